/*
 * A message whose flag another one raises further, relaxed, by a read-modify-write: what was
 * released is still seen (a release sequence).
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic int flag;
static int message;

static void writer(void *arg)
{
	(void)arg;
	message = 42;
	atomic_store_explicit(&flag, 1, memory_order_release);
}

static void raiser(void *arg)
{
	int one = 1;

	(void)arg;
	while (!atomic_compare_exchange_weak_explicit(&flag, &one, 2, memory_order_relaxed,
						      memory_order_relaxed)) {
		one = 1;
		go_yield();
	}
}

static void reader(void *arg)
{
	(void)arg;
	while (atomic_load_explicit(&flag, memory_order_acquire) != 2)
		go_yield();
	if (message != 42)
		runtime_panic("half a message");
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, reader, NULL);
	waitgroup_go(&all, raiser, NULL);
	waitgroup_go(&all, writer, NULL);
	waitgroup_wait(&all);
	return 0;
}
