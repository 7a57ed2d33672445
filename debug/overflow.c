#include "debug/overflow.h"

#include "debug/panic.h"
#include "debug/who.h"
#include "kernel/core.h"
#include "kernel/page.h"
#include "kernel/stack.h"

void stack_overflow(const struct co *co, const struct arch_regs *regs, uintptr_t addr)
{
	char what[160];

	format(what, sizeof(what),
	       "stack overflow: coroutine %lu \"%s\" has a limit of %zu bytes; go_options.stack "
	       "gives a coroutine more",
	       co->id, co_name(co), stack_limit(co));
	panic_exception(regs, what, addr);
}

void stack_out_of_memory(const struct co *co)
{
	panic("out of memory: the stack of coroutine %lu \"%s\" cannot grow beyond %lu bytes; "
	      "%zu KB free",
	      co->id, co_name(co), co->stack_top - co->stack_mapped, page_available() / 1024);
}

static _Noreturn void core_overflow(const char *which, size_t size, const struct arch_regs *regs,
				    uintptr_t addr)
{
	char what[160];

	format(what, sizeof(what), "stack overflow: the %s of core %d has %zu bytes", which,
	       core_here()->index, size);
	panic_exception(regs, what, addr);
}

void stack_core_overflow(const struct arch_regs *regs, uintptr_t addr)
{
	core_overflow("stack", stack_limit(core_here()->scheduler), regs, addr);
}

void stack_irq_overflow(const struct arch_regs *regs, uintptr_t addr, size_t size)
{
	core_overflow("interrupt stack", size, regs, addr);
}
