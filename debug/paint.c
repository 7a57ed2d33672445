/*
 * What is found does not grow by the panics. One has room enough below, the other what little is left
 * of a machine that is lost anyway:
 * depth: never too_deep : paint_check
 * depth: ends : paint_is_lost
 */
#include "debug/paint.h"
#include "debug/who.h"

#ifdef VOLE_PAINTED

#include "debug/panic.h"
#include "kernel/co.h"
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

#elif !defined(VOLE_RELEASE)

#include "debug/panic.h"
#include "debug/symtab.h"
#include "kernel/bounds.h"
#include "kernel/core.h"

static void *tell_highest(void *arg, void *unused)
{
	const struct co *co = arg;
	size_t offset;

	(void)unused;
	panic("coroutine %lu \"%s\" has gone below its stack: %zu bytes were found for %s, "
	      "by the path that make stackdepth shows",
	      co->id, co_name(co), stack_bound(co->fn), symtab_find((uintptr_t)co->fn, &offset));
}

_Noreturn void paint_is_lost(const struct co *co)
{
	core_report(tell_highest, (void *)(uintptr_t)co, NULL);
}

#endif
