/*
 * What is found does not grow by the panic, for which the room below is enough:
 * depth: never too_deep : paint_check
 */
#include "kernel/paint.h"

#ifdef VOLE_PAINTED

#include "kernel/co.h"
#include "kernel/panic.h"
#include "kernel/stack.h"

#define PAINT UINT64_C(0x7465747365746e69) /* no address, no small number */

/* From the lowest word of a stack: how far down it may be used, then paint. */
struct painted {
	uint64_t bound;
	uint64_t word[];
};

void paint(struct co *co, size_t bound)
{
	struct painted *p = (struct painted *)co->stack_mapped;

	p->bound = bound;
	for (uint64_t *word = p->word; word < (uint64_t *)co->stack_top; word++)
		*word = PAINT;
}

static _Noreturn __attribute__((noinline)) void too_deep(const struct co *co, size_t used,
							 size_t bound)
{
	panic("coroutine %lu \"%s\" has used %zu bytes of its stack, of %zu that were found",
	      co->id, co_name(co), used, bound);
}

void paint_check(const struct co *co)
{
	const struct painted *p = (const struct painted *)co->stack_mapped;
	const uint64_t *word = p->word;

	if (co->stack_kind <= STACK_FIXED)
		return;
	while (*word == PAINT)
		word++;
	if (co->stack_top - (uintptr_t)word > p->bound)
		too_deep(co, co->stack_top - (uintptr_t)word, p->bound);
}

#endif
