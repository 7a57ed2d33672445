/*
 * Exact stacks: a coroutine whose depth is known (bounds.h) gets a block of the smallest size that
 * fits, with its struct co at the upper end, next to what a switch touches of the stack. The sizes
 * are no powers of two up to 2 KB, so that the stacks of many coroutines do not fall on the same
 * sets of the caches.
 */
#include "debug/paint.h" /* VOLE_PAINTED */
#include "kernel/co.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/slab.h"
#include "kernel/stack.h"

enum { STEP = 64, STEPS = 2048 / STEP, SIZES = STEPS + 3 };

static struct slab_cache blocks[SIZES]; /* [i]: of block_size(i); the first are too small for use */

static size_t block_size(size_t i)
{
	return i < STEPS ? (i + 1) * STEP : (size_t)4096 << (i - STEPS);
}

static size_t size_index(size_t bytes)
{
	size_t i = (bytes - 1) / STEP;

	if (unlikely(i >= STEPS))
		for (i = STEPS; block_size(i) < bytes; i++)
			;
	return i;
}

void stack_exact_init(void)
{
	for (size_t i = size_index(sizeof(struct co) + 1); i < SIZES; i++)
		slab_init(&blocks[i], "coroutine", block_size(i), block_size(i) - sizeof(struct co),
			  true);
}

struct co *stack_exact_alloc(size_t bound)
{
	size_t i = size_index(bound + PAINT_ROOM + sizeof(struct co));
	char *block = slab_alloc(&blocks[i]);
	struct co *co;

	if (!block)
		return NULL;
	co = (struct co *)(block + block_size(i)) - 1;
	stack_set(co, (int)(STACK_FIXED + 1 + i), (uintptr_t)co, (uintptr_t)block);
	paint(co, bound);
	return co;
}

void stack_exact_free(struct co *co)
{
	slab_free(&blocks[co->stack_kind - STACK_FIXED - 1], (void *)co->stack_mapped);
}

void stack_exact_each(void (*visit)(void *block, size_t size, void *arg), void *arg)
{
	for (size_t i = size_index(sizeof(struct co) + 1); i < SIZES; i++)
		slab_each(&blocks[i], visit, arg);
}
