/*
 * A stack without locks whose top has a number that each change raises: an old top is never taken
 * for a new one.
 */
#include <stdatomic.h>
#include <vole.h>

enum { BLOCKS = 3, NONE = BLOCKS };

static _Atomic uint32_t next[BLOCKS];
static _Atomic bool taken[BLOCKS];
static _Atomic uint64_t top = NONE; /* which block, and above 32 bits the number */

static uint64_t numbered(uint64_t was, uint32_t block)
{
	return ((was >> 32) + 1) << 32 | block;
}

static uint32_t pop(void)
{
	uint64_t was = top;
	uint32_t block;

	do {
		block = (uint32_t)was;
		if (block == NONE)
			return NONE;
	} while (!atomic_compare_exchange_weak(&top, &was, numbered(was, next[block])));
	if (atomic_exchange(&taken[block], true))
		runtime_panic("block %d is taken twice", (int)block);
	return block;
}

static void push(uint32_t block)
{
	uint64_t was = top;

	if (block == NONE)
		return;
	taken[block] = false;
	do
		next[block] = (uint32_t)was;
	while (!atomic_compare_exchange_weak(&top, &was, numbered(was, block)));
}

static void user(void *arg)
{
	uint32_t a = pop(), b = pop();

	(void)arg;
	push(a);
	push(b);
}

int main(void)
{
	struct waitgroup both = {0};

	for (uint32_t i = 0; i < BLOCKS; i++)
		push(i);
	waitgroup_go(&both, user, NULL);
	waitgroup_go(&both, user, NULL);
	waitgroup_wait(&both);
	return pop() == NONE;
}
