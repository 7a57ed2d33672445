/*
 * A spinlock made by hand that is given back with relaxed order: what was done inside need not be
 * seen by the next one.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool held;
static int count;

static void counter(void *arg)
{
	(void)arg;
	while (atomic_exchange_explicit(&held, true, memory_order_acquire))
		go_yield();
	count++;
	atomic_store_explicit(&held, false, memory_order_relaxed);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, counter, NULL);
	waitgroup_go(&both, counter, NULL);
	waitgroup_wait(&both);
	return count != 2;
}
