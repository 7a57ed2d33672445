/*
 * Interrupts and exceptions, from the entries in trap.S on. Interrupts are masked here; a fault in
 * the handler of a fault gets a stack of its own, so that both can be told about, and one in the
 * handler of that ends the machine.
 */
#include "x86.h"

#include "kernel/core.h"

enum { PF_PRESENT = 1, PF_WRITE = 2, PF_RESERVED = 8, PF_FETCH = 16 }; /* 4.7, figure 4-12 */
enum { STATUS_PANIC = 134 };

void trap_interrupt(struct arch_regs *regs);
/* In the guard of the interrupt stack. */
static bool is_below_interrupts(const struct x86_core *x, uint64_t addr)
{
	return addr >= x86_stack_top(x, STACK_FAULT) &&
	       addr < x86_stack_top(x, STACK_INTERRUPT) - STACK_SIZE;
}

void trap_exception(struct arch_regs *regs);

/* Table 6-1. */
static const char *const names[32] = {
	[0] = "divide error",
	[1] = "debug exception",
	[2] = "NMI",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range exceeded",
	[6] = "invalid opcode",
	[7] = "no floating-point unit",
	[8] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack-segment fault",
	[13] = "general protection fault",
	[14] = "page fault",
	[16] = "x87 floating-point error",
	[17] = "misaligned access",
	[18] = "machine check",
	[19] = "SIMD floating-point error",
	[20] = "virtualization exception",
	[21] = "control protection fault",
};

/* ---- Interrupts ---- */

/* Saves what was interrupted in frame, and leaves it to the scheduler. */
static _Noreturn void preempt(const struct arch_regs *regs, void *frame)
{
	*(struct arch_regs *)frame = *regs;
	fpu_save((char *)frame + FRAME_FPU);
	sched_preempted(frame);
}

void trap_interrupt(struct arch_regs *regs)
{
	unsigned vector = (unsigned)regs->vector;

	if (vector == VECTOR_SPURIOUS || vector < VECTOR_GSI)
		return; /* neither these nor the 8259s' want an EOI */
	switch (vector) {
	case VECTOR_TIMER:
		lapic_eoi();
		timer_interrupt();
		break;
	case VECTOR_RESCHEDULE:
		lapic_eoi();
		irq_reschedule();
		break;
	case VECTOR_TLB:
		lapic_eoi();
		mmu_tlb_request();
		break;
	default:
		irq_device(vector - VECTOR_GSI);
		lapic_eoi(); /* after the device has let go of a level-triggered line */
		break;
	}
	void *frame = irq_exit();

	if (frame)
		preempt(regs, frame);
}

/* ---- Exceptions ---- */

static const char *fault_kind(uint64_t error)
{
	if (error & PF_FETCH)
		return "execute at ";
	return error & PF_WRITE ? "write to " : "read from ";
}

static const char *fault_cause(uint64_t error, uint64_t addr)
{
	if (error & PF_RESERVED)
		return " (damaged page table)";
	if (error & PF_PRESENT)
		return error & PF_FETCH ? " (not executable)" : " (read-only)";
	return addr < PAGE_SIZE ? " (NULL pointer)" : " (not mapped)";
}

/* What happened, in the core's buffer. */
static const char *describe(struct x86_core *x, const struct arch_regs *regs, uint64_t addr)
{
	char *end = x->what + sizeof x->what;
	const char *name = regs->vector < 32 ? names[regs->vector] : NULL;
	char *at = x86_append(x->what, end, name ? name : "unknown exception");

	if (regs->vector == VECTOR_PAGE_FAULT) {
		at = x86_append(at, end, ": ");
		at = x86_append(at, end, fault_kind(regs->error));
		at = x86_append_hex(at, end, addr, 16);
		x86_append(at, end, fault_cause(regs->error, addr));
	} else if (!name || regs->error) {
		at = x86_append(at, end, name ? " (error code " : " (vector ");
		at = x86_append_hex(at, end, name ? regs->error : regs->vector, 4);
		x86_append(at, end, ")");
	}
	return x->what;
}

/* When the kernel cannot tell any more, or cannot yet. */
static _Noreturn void last_words(const char *why, const char *what, const struct arch_regs *regs)
{
	char rip[24];

	x86_append_hex(rip, rip + sizeof rip, regs->rip, 16);
	x86_early_puts("\nvole: ");
	x86_early_puts(why);
	x86_early_puts(what);
	x86_early_puts(", rip ");
	x86_early_puts(rip);
	x86_early_puts("\n");
	arch_power_off(STATUS_PANIC);
}

static void nmi(const struct arch_regs *regs)
{
	if (x86_stopping())
		x86_halt_forever();
	panic_nmi(regs);
}

void trap_exception(struct arch_regs *regs)
{
	struct x86_core *x = x86_core_here();
	uint64_t cr2;

	if (regs->vector == VECTOR_NMI) {
		nmi(regs);
		return;
	}
	__asm__ volatile("movq %%cr2, %0" : "=r"(cr2));

	unsigned depth = ++x->fault_depth;

	if (depth > 2)
		last_words("fault while reporting a fault: ", describe(x, regs, cr2), regs);
	x->tss.ist[IST_FAULT - 1] = x86_stack_top(x, STACK_NESTED_FAULT);

	bool page_fault = regs->vector == VECTOR_PAGE_FAULT;

	if (!arch_current())
		last_words("before the kernel started: ", describe(x, regs, cr2), regs);
	if (page_fault && is_below_interrupts(x, cr2))
		stack_irq_overflow(regs, cr2, STACK_SIZE);
	if (!page_fault || depth > 1 || regs->error & (PF_PRESENT | PF_FETCH | PF_RESERVED) ||
	    !stack_fault(cr2, regs))
		panic_exception(regs, describe(x, regs, cr2), page_fault ? cr2 : 0);

	x->tss.ist[IST_FAULT - 1] = x86_stack_top(x, STACK_FAULT);
	x->fault_depth = depth - 1;
}
