/*
 * A message of two words, all atomic: the writer releases its flag, but the reader does not acquire
 * it, and may see what was there before.
 * fault: panic
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool sent;
static _Atomic int words[2];

static void reader(void *arg)
{
	(void)arg;
	if (!atomic_load_explicit(&sent, memory_order_relaxed))
		return;
	for (int i = 0; i < 2; i++)
		if (atomic_load_explicit(&words[i], memory_order_relaxed) != 42)
			runtime_panic("half a message");
}

static void writer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++)
		atomic_store_explicit(&words[i], 42, memory_order_relaxed);
	atomic_store_explicit(&sent, true, memory_order_release);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, reader, NULL);
	waitgroup_go(&all, writer, NULL);
	waitgroup_go(&all, reader, NULL);
	waitgroup_wait(&all);
	return 0;
}
