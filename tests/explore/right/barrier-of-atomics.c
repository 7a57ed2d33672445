/* A barrier of two atomics: all that was done before it is seen behind it. */
#include <stdatomic.h>
#include <vole.h>

enum { WORKERS = 3 };

static _Atomic int here;
static _Atomic bool open;
static int results[WORKERS];

static void barrier(void)
{
	if (atomic_fetch_add_explicit(&here, 1, memory_order_acq_rel) == WORKERS - 1)
		atomic_store_explicit(&open, true, memory_order_release);
	while (!atomic_load_explicit(&open, memory_order_acquire))
		go_yield();
}

static void worker(void *arg)
{
	int sum = 0;

	*(int *)arg = 1;
	barrier();
	for (int i = 0; i < WORKERS; i++)
		sum += results[i];
	if (sum != WORKERS)
		runtime_panic("somebody is late");
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < WORKERS; i++)
		waitgroup_go(&all, worker, &results[i]);
	waitgroup_wait(&all);
	return 0;
}
