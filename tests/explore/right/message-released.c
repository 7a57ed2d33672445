/* A message, and a flag that is released and acquired. */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool sent;
static int message;

static void reader(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&sent, memory_order_acquire))
		go_yield();
	if (message != 42)
		runtime_panic("half a message");
}

static void writer(void *arg)
{
	(void)arg;
	message = 42;
	atomic_store_explicit(&sent, true, memory_order_release);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, reader, NULL);
	waitgroup_go(&both, writer, NULL);
	waitgroup_wait(&both);
	return 0;
}
