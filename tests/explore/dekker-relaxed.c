/*
 * Dekker's way to keep two apart, with relaxed flags: each may miss the other's, and nothing orders
 * what they do inside.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool wants[2];
static int inside;

static void enter(int me)
{
	atomic_store_explicit(&wants[me], true, memory_order_relaxed);
	if (!atomic_load_explicit(&wants[!me], memory_order_relaxed))
		inside++;
	atomic_store_explicit(&wants[me], false, memory_order_relaxed);
}

static void first(void *arg)
{
	(void)arg;
	enter(0);
}

static void second(void *arg)
{
	(void)arg;
	enter(1);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, first, NULL);
	waitgroup_go(&both, second, NULL);
	waitgroup_wait(&both);
	return 0;
}
