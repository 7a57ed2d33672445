/*
 * Two that each have blocks for themselves: what one has stored in its block, which it has freed, is not seen
 * in the same memory by the other, to whom it is a new block, though nothing orders the two.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <vole.h>

/* So large that it is used again at once. */
struct block {
	atomic_int x;
	char rest[20000];
};

static void user(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		struct block *b = malloc(sizeof *b);

		atomic_init(&b->x, 0);
		if (atomic_load_explicit(&b->x, memory_order_relaxed))
			runtime_panic("a new block has an old value");
		atomic_store_explicit(&b->x, 1, memory_order_relaxed);
		atomic_store_explicit(&b->x, 0, memory_order_relaxed);
		free(b);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, user, NULL);
	waitgroup_wait(&all);
	return 0;
}
