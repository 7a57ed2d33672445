/*
 * Stacks: a slot of addresses per coroutine, with an unmapped guard page at its lower end. The top
 * page is mapped from the start, the others when they are touched. A slot keeps its pages when it is
 * given back, and is used again by the next coroutine: no page fault in a steady state.
 */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include <stdbool.h>

#include "debug/paint.h"
#include "kernel/core.h"

/* The size that the stack of co may grow to. */
size_t stack_limit(const struct co *co);

void stack_init(void);

/* A stack of size bytes that does not grow, for a core; far below it nothing is mapped. Its upper end;
 * 0: no memory. At boot. */
uintptr_t stack_make_core(size_t size);

/* Where the stack of a new coroutine begins, at its upper end. */
uintptr_t stack_slot_start(const struct co *co);
static inline uintptr_t stack_start(const struct co *co)
{
	return co->stack_kind >= STACK_FIXED ? co->stack_top : stack_slot_start(co);
}

/* What one of the kernel's functions between co_begin and the program's needs. */
enum { STACK_CALL = 96 };

/* The new coroutine co has the stack from mapped to top. Others may still look at the coroutine that had
 * *co before. */
static inline void stack_set(struct co *co, int kind, uintptr_t top, uintptr_t mapped)
{
	shared_set(co->stack_kind, (uint8_t)kind);
	shared_set(co->stack_top, top);
	shared_set(co->stack_mapped, mapped);
	shared_set(co->flags, 0);
	co->trimmable = 0;
	shared_add(core_here()->stack_bytes, (int64_t)(top - mapped));
}

enum { STACK_EXACT_MAX = 16 * 1024 - 256 - PAINT_ROOM };
void stack_exact_init(void);

/* A coroutine that can go no deeper than bound bytes (at most STACK_EXACT_MAX), in one block with its
 * stack; NULL: no memory. nopreempt > 0. */
struct co *stack_exact_alloc(size_t bound);
void stack_exact_free(struct co *co);
void stack_exact_each(void (*visit)(void *block, size_t size, void *arg), void *arg);

/* Gives co a slot of at least limit bytes (0: the default). False: no memory. nopreempt > 0. */
bool stack_take(struct co *co, size_t limit);
void stack_give(struct co *co);

/* Maps the slot of co, which has not begun, down to low. False: no memory. The same. */
bool stack_map(struct co *co, uintptr_t low);

/* Takes pages from free slots, and gives them to the page allocator: at least n, or all. Returns how
 * many. nopreempt > 0, not from a fault; other spinlocks may be held, but not the allocator's. */
size_t stack_reclaim(size_t n);

/* The same from the stacks of coroutines that wait, and were deeper once. */
size_t stack_trim(void);

/* co, which is trimmable, has stopped, and no other core may resume it yet. Where it has been shallow
 * for long, its stack gives pages back. nopreempt > 0. */
void stack_stopped(struct co *co);

/* Bytes that stack_reclaim could give. */
size_t stack_reclaimable(void);

/* Pages for the fault handler, which takes no lock; nopreempt > 0. */
void stack_refill(void);

/* Has those that are not needed at once be others (page_renew); nopreempt > 0. */
void stack_renew(void);

/* Gives this core's free stacks to all cores: how many. */
size_t stack_give_back(void);

#endif
