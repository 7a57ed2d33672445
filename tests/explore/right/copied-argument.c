/*
 * Every coroutine gets a copy of the loop variable, and leaves what it has found by a deferred
 * call.
 */
#include <vole.h>

static struct waitgroup all;
static struct mutex lock;
static int sum;

static void leave(void *arg)
{
	mutex_lock(&lock);
	sum += *(const int *)arg;
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void add(void *arg)
{
	go_defer(leave, arg);
	go_yield();
	*(int *)arg *= 2;
}

int main(void)
{
	for (int i = 1; i <= 3; i++) {
		waitgroup_add(&all, 1);
		go_copy(add, &i, sizeof i);
	}
	waitgroup_wait(&all);
	return sum != 12;
}
