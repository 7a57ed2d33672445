/*
 * Double-checked locking: the table is complete before its address is released, and acquired
 * without a lock.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

static struct mutex lock;
static _Atomic(int *) table;
static _Atomic int sum;

static int entry(int i)
{
	int *t = atomic_load_explicit(&table, memory_order_acquire);

	if (!t) {
		mutex_lock(&lock);
		t = atomic_load_explicit(&table, memory_order_relaxed);
		if (!t) {
			t = malloc(4 * sizeof *t);
			for (int k = 0; k < 4; k++)
				t[k] = k;
			atomic_store_explicit(&table, t, memory_order_release);
		}
		mutex_unlock(&lock);
	}
	return t[i];
}

static void user(void *arg)
{
	(void)arg;
	sum += entry(3);
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, user, NULL);
	waitgroup_wait(&all);
	return sum != 9;
}
