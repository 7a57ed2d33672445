/*
 * Two writers, two readers, and release and acquire only: the readers need not agree on who wrote
 * first (independent reads of independent writes).
 * fault: status
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic int written[2];
static _Atomic bool first_only[2];

static void write_first(void *arg)
{
	(void)arg;
	atomic_store_explicit(&written[0], 1, memory_order_release);
}

static void write_second(void *arg)
{
	(void)arg;
	atomic_store_explicit(&written[1], 1, memory_order_release);
}

static void look(int first)
{
	if (atomic_load_explicit(&written[first], memory_order_acquire))
		first_only[first] = !atomic_load_explicit(&written[!first], memory_order_acquire);
}

static void read_forth(void *arg)
{
	(void)arg;
	look(0);
}

static void read_back(void *arg)
{
	(void)arg;
	look(1);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, write_first, NULL);
	waitgroup_go(&all, read_forth, NULL);
	waitgroup_go(&all, write_second, NULL);
	waitgroup_go(&all, read_back, NULL);
	waitgroup_wait(&all);
	return first_only[0] && first_only[1];
}
