/*
 * A message is passed with relaxed accesses and fences, of which the reader's is missing.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool sent;
static int message;

static void reader(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&sent, memory_order_relaxed))
		go_yield();
	if (message != 42)
		runtime_panic("half a message");
}

static void writer(void *arg)
{
	(void)arg;
	message = 42;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&sent, true, memory_order_relaxed);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, reader, NULL);
	waitgroup_go(&both, writer, NULL);
	waitgroup_wait(&both);
	return 0;
}
