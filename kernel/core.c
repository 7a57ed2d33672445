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
