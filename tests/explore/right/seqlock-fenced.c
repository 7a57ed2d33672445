/* A sequence lock with the fences that keep the words between the numbers. */
#include <stdatomic.h>
#include <vole.h>

#define RELAXED memory_order_relaxed

static _Atomic unsigned sequence;
static _Atomic int words[2];

static void writer(void *arg)
{
	(void)arg;
	for (int i = 1; i <= 3; i++) {
		unsigned s = atomic_load_explicit(&sequence, RELAXED);

		atomic_store_explicit(&sequence, s + 1, RELAXED);
		atomic_thread_fence(memory_order_release);
		atomic_store_explicit(&words[0], i, RELAXED);
		atomic_store_explicit(&words[1], i, RELAXED);
		atomic_store_explicit(&sequence, s + 2, memory_order_release);
	}
}

static void reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		unsigned before = atomic_load_explicit(&sequence, memory_order_acquire), after;
		int a = atomic_load_explicit(&words[0], RELAXED);
		int b = atomic_load_explicit(&words[1], RELAXED);

		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&sequence, RELAXED);
		if (before % 2 == 0 && before == after && a != b)
			runtime_panic("%d and %d never were a pair", a, b);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, writer, NULL);
	waitgroup_go(&both, reader, NULL);
	waitgroup_wait(&both);
	return 0;
}
