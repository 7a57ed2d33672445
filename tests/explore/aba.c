/*
 * A stack of blocks, with nothing but a compare-exchange of its top: what is on top again is not
 * always what was there before.
 * fault: panic
 */
#include <stdatomic.h>
#include <vole.h>

struct block {
	_Atomic(struct block *) next;
	_Atomic bool taken;
};
static struct block blocks[3];
static _Atomic(struct block *) top;

static struct block *pop(void)
{
	struct block *first = top;

	while (first && !atomic_compare_exchange_strong(&top, &first, first->next))
		;
	if (first && atomic_exchange(&first->taken, true))
		runtime_panic("a block is taken twice");
	return first;
}

static void push(struct block *block)
{
	struct block *first = top;

	block->taken = false;
	do
		block->next = first;
	while (!atomic_compare_exchange_strong(&top, &first, block));
}

static void one(void *arg)
{
	(void)arg;
	pop();
	pop();
}

static void other(void *arg)
{
	struct block *a = pop(), *b = pop();

	(void)arg, (void)b;
	if (a)
		push(a);
}

int main(void)
{
	struct waitgroup both = {0};

	for (int i = 0; i < 3; i++)
		push(&blocks[i]);
	waitgroup_go(&both, one, NULL);
	waitgroup_go(&both, other, NULL);
	waitgroup_wait(&both);
	return 0;
}
