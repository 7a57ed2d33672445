/* Signals that are faults: a stack that grows, or a panic. On the thread's signal stack, interrupts
 * masked. */
#include "host.h"

#include <errno.h>

#include "kernel/core.h"

/* The image, from the linker. */
extern char __executable_start[], end[];

static const char *name_of(int signal)
{
	switch (signal) {
	case SIGILL:
		return "invalid opcode";
	case SIGFPE:
		return "divide error";
	case SIGTRAP:
		return "breakpoint";
	default:
		return signal == SIGSEGV ? "general protection fault" : "bus error";
	}
}

static const char *describe(struct host_core *h, const siginfo_t *info, const greg_t *regs)
{
	uint64_t error = (uint64_t)regs[REG_ERR];
	uintptr_t addr = (uintptr_t)info->si_addr;
	/* Pages of the image may not be in yet. */
	bool mapped = (error & PF_PRESENT) ||
		      (addr >= (uintptr_t)__executable_start && addr < (uintptr_t)end);

	if (regs[REG_TRAPNO] != TRAP_PAGE_FAULT)
		return name_of(info->si_signo);
	format(h->what, sizeof h->what, "page fault: %s0x%016lx%s",
	       error & PF_FETCH   ? "execute at "
	       : error & PF_WRITE ? "write to "
				  : "read from ",
	       addr,
	       addr < PAGE_SIZE   ? " (NULL pointer)"
	       : !mapped          ? " (not mapped)"
	       : error & PF_FETCH ? " (not executable)"
				  : " (read-only)");
	return h->what;
}

void host_fault(int signal, siginfo_t *info, void *context)
{
	int error = thread_errno();
	const struct arch_regs *regs = context;
	const greg_t *gregs = regs->uc.uc_mcontext.gregs;
	uintptr_t addr = (uintptr_t)info->si_addr;
	bool page_fault = gregs[REG_TRAPNO] == TRAP_PAGE_FAULT;

	(void)signal;

	if (!core_count())
		host_die("a fault before the kernel started");

	struct host_core *h = host_core_here();
	unsigned depth = ++h->fault_depth;

	if (depth > 2)
		host_die("a fault while reporting a fault");
	if (!page_fault || depth > 1 || gregs[REG_ERR] & (PF_FETCH | PF_RESERVED) ||
	    !stack_fault(addr, regs))
		panic_exception(regs, describe(h, info, gregs), page_fault ? addr : 0);
	h->fault_depth = depth - 1;
	set_thread_errno(error);
}
