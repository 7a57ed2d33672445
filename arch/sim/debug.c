/* The end of the process; registers, and walking stacks. */
#include "sim.h"

_Noreturn void arch_power_off(int status)
{
	sim_look_for_leaks(status);
	sim_end(status);
}

void arch_print_regs(const struct arch_regs *regs, void (*put)(const char *fmt, ...))
{
	static const char names[][4] = {"r15", "r14", "r13", "r12", "r11", "r10", "r9 ",
					"r8 ", "rdi", "rsi", "rbp", "rbx", "rdx", "rcx",
					"rax", "rip", "rsp", "flg", "err", "cr2"};
	enum { COUNT = sizeof names / sizeof names[0], PER_LINE = 3 };

	for (int i = 0; i < COUNT; i++)
		put("%s %016lx%s", names[i], ((const uint64_t *)regs)[i],
		    i % PER_LINE == PER_LINE - 1 || i == COUNT - 1 ? "\n" : "  ");
}

void arch_backtrace_here(struct backtrace *b)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	*b = (struct backtrace){.pc = fp[1], .fp = fp[0]};
}

void arch_backtrace_regs(struct backtrace *b, const struct arch_regs *regs, uintptr_t lo,
			 uintptr_t hi)
{
	*b = (struct backtrace){.pc = regs->rip, .fp = regs->rbp, .sp = regs->rsp};
	/* After a call to where no code is, the return address is all there is of the caller. */
	if (regs->rip == regs->cr2 && regs->rsp >= lo && regs->rsp < hi)
		b->caller = *(const uintptr_t *)regs->rsp;
}

void arch_backtrace_context(struct backtrace *b, const void *sp)
{
	const uintptr_t *context = sp;

	*b = (struct backtrace){.pc = context[SIM_CONTEXT_RETURN], .fp = context[SIM_CONTEXT_RBP]};
}

bool arch_backtrace_irq(uintptr_t fp)
{
	uintptr_t base = (uintptr_t)sim_here->irq_stack;

	return backtrace_has_record(fp, base, base + SIM_IRQ_STACK);
}
