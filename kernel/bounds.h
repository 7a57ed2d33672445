/*
 * The deepest stack that each entry function can need, found by tools/stackdepth when the image is
 * linked. A perfect hash: looking one up is a multiplication, a shift and one cache line. An image
 * without the table has two empty entries.
 */
#ifndef KERNEL_BOUNDS_H
#define KERNEL_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include <vole/types.h>

struct stack_bound {
	uintptr_t fn;
	size_t bytes;
};

struct stack_bounds {
	uint64_t multiplier;
	uint64_t shift;
};

extern const struct stack_bounds stack_bounds;
extern const struct stack_bound stack_bound_table[];

/*
 * The bytes from the stack_top given to arch_context_make(stack_top, co_begin) down to the lowest
 * that a coroutine which runs fn can write: the first context, co_begin, fn and all that it calls,
 * the way out, and parking and the switch wherever it may stop. 0: not known, or not bounded.
 */
static inline size_t stack_bound(go_fn *fn)
{
	uint64_t hash = (uint64_t)(uintptr_t)fn * stack_bounds.multiplier;
	const struct stack_bound *entry = &stack_bound_table[hash >> stack_bounds.shift];

#ifdef PLANT_SHORT_BOUND
	if (entry->fn == (uintptr_t)fn)
		return entry->bytes - 64; /* the fault: what is deepest writes below its stack */
#endif
	return entry->fn == (uintptr_t)fn ? entry->bytes : 0;
}

#endif
