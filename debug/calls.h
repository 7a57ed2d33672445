/*
 * Who may make a call of the public interface. An interrupt handler may have stopped the kernel in the
 * middle of anything, so it may do what needs no lock and no queue, and nothing else: event_post,
 * irq_defer, time_now, runtime_panic. What could wait is for coroutines only: the functions of
 * irq_defer run in a core's scheduler, which must not wait. Each public call says which of the two it is in its first
 * lines. It costs a load and a branch, of the cache line that every call touches; go_yield has no
 * room for it: core->attention makes it leave its fast path, and it looks there.
 */
#ifndef DEBUG_CALLS_H
#define DEBUG_CALLS_H

#include "kernel/co.h"

/* Ends the machine: "mutex_lock in an interrupt handler". */
_Noreturn void call_forbidden(const char *name);

/* From anywhere but interrupt handlers. */
static inline void call_outside_handler(const char *name)
{
	if (unlikely(arch_current()->holder == HOLDER_HANDLER))
		call_forbidden(name);
}

/* From coroutines only. */
static inline bool call_by_coroutine(const struct co *self)
{
	return likely((int64_t)self->holder >= 0);
}

static inline void call_may_wait(const char *name)
{
	if (unlikely(!call_by_coroutine(arch_current())))
		call_forbidden(name);
}

#endif
