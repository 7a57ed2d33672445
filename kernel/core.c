#include "kernel/core.h"

struct core *cores[MAX_CORES];
_Atomic int core_count;

/* Where core_call calls: the top of the core's own stack; NULL: here, which is not on the stack of a
 * coroutine, or at boot. */
static inline void *own_stack(const struct co *self)
{
	const struct core *core = self ? self->core : NULL;

	/* shared_get: that byte alone, for others write the one beside it. */
	if (!core || core->called_from || core->in_fault || shared_get(core->in_handler) ||
	    self == core->scheduler)
		return NULL;
	return (void *)((uintptr_t)core->scheduler->sp & ~(uintptr_t)15);
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
