/*
 * Walking stacks and showing registers. Functions of the image keep a frame record {x29, x30}
 * (AAPCS64, 6.4.6), arch_switch and the trap entry too; but not a leaf, nor one that was
 * interrupted before it had stored its own: then x30 is the first step.
 */
#include "kernel/core.h"

#include "arch/arm64/arm64.h"

struct record {
	uintptr_t fp, pc;
};

void arch_backtrace_here(struct backtrace *b)
{
	const struct record *own = __builtin_frame_address(0);

	*b = (struct backtrace){.pc = own->pc, .fp = own->fp};
}

/* A context begins with its record; see asm.h. */
void arch_backtrace_context(struct backtrace *b, const void *sp)
{
	const struct record *context = sp;

	*b = (struct backtrace){.pc = context->pc, .fp = context->fp};
}

/* The one for faults on the interrupt stack counts, too. */
bool arch_backtrace_irq(uintptr_t fp)
{
	extern char emergency_stack_top[];
	uintptr_t emergency = (uintptr_t)emergency_stack_top;
	uintptr_t irq = arch_current() ? arm64_core_here()->irq_stack_top : 0;

	return backtrace_has_record(fp, irq - IRQ_STACK_SIZE, irq) ||
	       backtrace_has_record(fp, emergency - IRQ_STACK_SIZE, emergency);
}

/* In a function with a record, x30 leads back into the function, from the last call it made, which the
 * kernel sees; or it still is what the record says. */
void arch_backtrace_regs(struct backtrace *b, const struct arch_regs *regs, uintptr_t lo,
			 uintptr_t hi)
{
	extern char __text_start[], __text_end[];
	uintptr_t lr = regs->x[30], fp = regs->x[29];
	const struct record *record = (const struct record *)fp;
	bool has_record = backtrace_has_record(fp, lo, hi) || arch_backtrace_irq(fp);

	*b = (struct backtrace){.pc = regs->pc, .fp = fp, .sp = regs->sp};
	if (lr > (uintptr_t)__text_start && lr <= (uintptr_t)__text_end &&
	    !(has_record && record->pc == lr))
		b->caller = lr;
}

void arch_print_regs(const struct arch_regs *regs, void (*print)(const char *fmt, ...))
{
	for (int i = 0; i < 31; i++)
		print("%s%d %016lx%s", i < 10 ? " x" : "x", i, regs->x[i],
		      i % 4 == 3 ? "\n" : "  ");
	print(" sp %016lx\n", regs->sp);
	print(" pc %016lx  psr %016lx  esr %016lx  far %016lx\n", regs->pc, regs->pstate, regs->esr,
	      regs->far);
}
