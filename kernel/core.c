#include "kernel/core.h"

struct core *cores[MAX_CORES];
int core_count;

void *core_call(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct core *core = core_here();
	void *result;

	if (core->on_own_stack || core->in_fault || core->in_handler ||
	    arch_current() == core->idle)
		return fn(a, b);
	core->on_own_stack = true;
	result = arch_call_on((void *)((uintptr_t)core->idle->sp & ~(uintptr_t)15), fn, a, b);
	core->on_own_stack = false;
	return result;
}
