#include "kernel/core.h"

struct core *cores[MAX_CORES];
_Atomic int core_count;

/* Where core_call calls: the top of the core's own stack; NULL: here, which is not on the stack of a
 * coroutine, or at boot. */
static inline void *own_stack(const struct co *self)
{
	const struct core *core = self ? self->core : NULL;

	/* relaxed_get: that byte alone, for others write the one beside it. */
	if (!core || core->called_from || core->in_fault || relaxed_get(core->in_handler) ||
	    self == core->idle)
		return NULL;
	return (void *)((uintptr_t)core->idle->sp & ~(uintptr_t)15);
}

void *core_call(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();
	void *stack = own_stack(self), *result;

	if (!stack)
		return fn(a, b);
	self->core->called_from = __builtin_frame_address(0);
	result = arch_call_on(stack, fn, a, b);
	self->core->called_from = NULL;
	return result;
}

/* Not by core_call, whose frame the stacks of all coroutines would have to have room for. */
_Noreturn void core_report(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();
	void *stack = own_stack(self);

	if (self)
		self->nopreempt++;
	if (!stack) {
		fn(a, b);
		__builtin_unreachable();
	}
	self->core->called_from = __builtin_frame_address(0);
	arch_call_on(stack, fn, a, b);
	__builtin_unreachable();
}

/*
 * One word, so that others see a state that was: the time that it has been idle, or, while it is,
 * that minus the time since when, and CORE_IDLES.
 */
#define CORE_IDLES (UINT64_C(1) << 63)

void core_idle(struct core *core, bool idle, uint64_t now)
{
	uint64_t time = relaxed_get(core->idle_time);

	relaxed_set(core->idle_time, idle ? (time - now) | CORE_IDLES : (time + now) & ~CORE_IDLES);
}

uint64_t core_idle_ns(struct core *core)
{
	uint64_t time = relaxed_get(core->idle_time), now = arch_clock();
	uint64_t told = atomic_load_explicit(&core->idle_told, memory_order_relaxed);

	if (time & CORE_IDLES) {
		time = (time + now) & ~CORE_IDLES;
		if (time & CORE_IDLES >> 1) /* it began after now */
			time = 0;
	}
	/* Its idleness may have ended before now, and this not known here. */
	while (told < time &&
	       !atomic_compare_exchange_weak_explicit(&core->idle_told, &told, time,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return told < time ? time : told;
}
