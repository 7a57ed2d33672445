/* Counts with one atomic addition each: no order is needed for a number that is read at the end. */
#include <stdatomic.h>
#include <vole.h>

static _Atomic int number;

static void add(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		atomic_fetch_add_explicit(&number, 1, memory_order_relaxed);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, add, NULL);
	waitgroup_go(&both, add, NULL);
	waitgroup_wait(&both);
	return atomic_load_explicit(&number, memory_order_relaxed) != 10;
}
