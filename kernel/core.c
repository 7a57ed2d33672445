#include "kernel/core.h"

struct core *cores[MAX_CORES];
_Atomic int core_count;

void *core_call(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();
	struct core *core = self ? self->core : NULL;
	void *result;

	if (!core || core->called_from || core->in_fault || core->in_handler || self == core->idle)
		return fn(a, b); /* not on the stack of a coroutine, or at boot */
	core->called_from = __builtin_frame_address(0);
	result = arch_call_on((void *)((uintptr_t)core->idle->sp & ~(uintptr_t)15), fn, a, b);
	core->called_from = NULL;
	return result;
}

_Noreturn void core_report(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();

	if (self)
		self->nopreempt++;
	core_call(fn, a, b);
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
