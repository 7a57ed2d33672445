/*
 * Each says that it is there, and looks for the other behind a fence of one order for all: one sees
 * the other.
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool here[2];
static bool alone[2];

static void come(int me)
{
	atomic_store_explicit(&here[me], true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	alone[me] = !atomic_load_explicit(&here[!me], memory_order_relaxed);
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
