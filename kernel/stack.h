/*
 * Stacks: a slot of addresses per coroutine, with an unmapped guard page at its lower end. The top
 * page is mapped from the start, the others when they are touched. A slot keeps its pages when it is
 * given back, and is used again by the next coroutine: no page fault in a steady state.
 */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include <stdbool.h>

#include "kernel/co.h"

enum { STACK_DEFAULT = 256 * 1024 };

void stack_init(void);

/* Gives co a slot of at least limit bytes (0: the default). False: no memory. nopreempt > 0. */
bool stack_take(struct co *co, size_t limit);
void stack_give(struct co *co);

/* Takes pages from free slots, and gives them to the page allocator: at least n, or what there is.
 * How many. nopreempt > 0, not from a fault; other spinlocks may be held, but the allocator's. */
size_t stack_reclaim(size_t n);

/* Bytes that stack_reclaim could give. */
size_t stack_reclaimable(void);

/* Pages for the fault handler, which takes no lock; nopreempt > 0. */
void stack_refill(void);

#endif
