/*
 * Each of two says that it is there, then looks for the other, with release and acquire only: both
 * may find that they are alone.
 * fault: status
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool here[2], alone[2];

static void come(int me)
{
	atomic_store_explicit(&here[me], true, memory_order_release);
	alone[me] = !atomic_load_explicit(&here[!me], memory_order_acquire);
}

static void first(void *arg)
{
	(void)arg;
	come(0);
}

static void second(void *arg)
{
	(void)arg;
	come(1);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, first, NULL);
	waitgroup_go(&both, second, NULL);
	waitgroup_wait(&both);
	return alone[0] && alone[1];
}
