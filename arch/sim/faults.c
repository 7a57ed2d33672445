/*
 * Faults are signals of Linux. The handler does no more than to let the core go on at sim_fault,
 * on its interrupt stack, with what was interrupted beside it: so a fault is handled in the
 * machine, where others may go on meanwhile, and sigreturn ends it.
 */
#include "sim.h"

enum { SYS_MPROTECT = 10, SYS_SIGACTION = 13, SYS_SIGALTSTACK = 131 };
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SIGPROF = 27, SIGSYS = 31 };
enum { SA_SIGINFO_ONSTACK_RESTORER_NODEFER = 0x4 | 0x08000000 | 0x04000000 | 0x40000000 };
enum { PAGE_FAULT = 14, PF_WRITE = 2, PF_FETCH = 16 };

/* As Linux lays it out: arch/x86/include/uapi/asm/sigcontext.h and ucontext.h. */
struct signal_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	uint64_t rflags, segments, error, trap, mask, cr2;
	void *fp;
	uint64_t reserved[8];
};
struct user_context {
	uint64_t flags;
	void *link;
	struct {
		void *sp;
		int flags;
		size_t size;
	} stack;
	struct signal_context c;
	uint64_t mask;
};

enum { SI_CODE = 2 }; /* in words of siginfo */
enum { FP_SIZE = 4096, FP_SW_BYTES = 464 };

/* On the interrupt stack. rt_sigreturn wants rsp at the context. */
struct sim_trap {
	struct user_context uc;
	int signal;
	_Alignas(64) char fp[FP_SIZE];
};

void sim_trapped(struct sim_trap *trap);
void sim_fault(struct sim_trap *trap);
void sim_sigreturn(void);

static SIM_KEPT char signal_stack[64 * 1024];
static char what[96];
static int depth;

static void copy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* What is left of the machine does not do for a report. */
static _Noreturn void end_here(const char *why)
{
	static SIM_KEPT bool again;

	if (again) /* nor for this */
		sim_die();
	again = true;
	sim_put(1, why);
	sim_end(STATUS_PANIC);
}

/* Below an interrupt stack: see sim_faults_init. */
static bool in_guard(uintptr_t at)
{
	return at - (uintptr_t)sim_cores < sizeof sim_cores &&
	       (at - (uintptr_t)sim_cores) % sizeof *sim_cores -
			       offsetof(struct sim_core, irq_stack) <
		       PAGE_SIZE;
}

static void handler(int signal, void *info, void *context)
{
	struct user_context *uc = context;
	struct sim_core *c = sim_here;
	const int *words = info;
	uintptr_t top = (uintptr_t)(c->irq_stack + SIM_IRQ_STACK), sp = uc->c.rsp;
	struct sim_trap *trap;
	uint32_t fp_size;

	if (signal == SIGSEGV && in_guard(uc->c.cr2))
		end_here("vole: interrupt stack overflow\n");
	if (sim_is_refused(signal, words[SI_CODE]))
		sim_refused("system call of the host", uc->c.rip);
	if (signal == SIGSEGV && uc->c.trap == PAGE_FAULT && uc->c.error & PF_WRITE &&
	    sim_snapshot_written(uc->c.cr2))
		return;
	if (uc->c.rsp - (uintptr_t)signal_stack < sizeof signal_stack) {
		if (signal == SIGPROF) /* while a fault is handled; the next comes in a second */
			return;
		end_here("vole: a fault that cannot be reported\n");
	}
	if (signal == SIGPROF && !sim_is_too_long())
		return;
	/* Already there: below what is in use. */
	if (sp >= (uintptr_t)c->irq_stack && sp < top)
		top = sp & -(uintptr_t)64;
	trap = (struct sim_trap *)((top - sizeof *trap) & -(uintptr_t)64);
	trap->uc = *uc;
	trap->signal = signal;
	fp_size = *(const uint32_t *)((const char *)uc->c.fp + FP_SW_BYTES + 4);
	copy(trap->fp, uc->c.fp, fp_size && fp_size <= FP_SIZE ? fp_size : 512);
	trap->uc.c.fp = trap->fp;
	uc->c.rdi = (uintptr_t)trap;
	uc->c.rsp = (uintptr_t)trap;
	uc->c.rip = (uintptr_t)sim_trapped;
}

static const char *describe(const struct sim_trap *trap)
{
	const struct signal_context *c = &trap->uc.c;

	if (c->trap != PAGE_FAULT)
		return trap->signal == SIGILL    ? "invalid opcode"
		       : trap->signal == SIGFPE  ? "divide error"
		       : trap->signal == SIGTRAP ? "breakpoint"
						 : "general protection fault";
	format(what, sizeof what, "page fault: %s0x%016lx%s",
	       c->error & PF_FETCH   ? "execute at "
	       : c->error & PF_WRITE ? "write to "
				     : "read from ",
	       c->cr2, c->cr2 < PAGE_SIZE ? " (NULL pointer)" : "");
	return what;
}

void sim_fault(struct sim_trap *trap)
{
	const struct signal_context *c = &trap->uc.c;
	struct sim_core *here = sim_here;
	bool masked = here->masked, page_fault = c->trap == PAGE_FAULT;
	struct arch_regs regs = {
		c->r15, c->r14, c->r13, c->r12, c->r11, c->r10, c->r9,  c->r8,     c->rdi,   c->rsi,
		c->rbp, c->rbx, c->rdx, c->rcx, c->rax, c->rip, c->rsp, c->rflags, c->error, c->cr2,
	};

	if (trap->signal == SIGPROF)
		sim_fail("hang", "it is not at its end after so many seconds");
	if (!sim_current || depth > 1)
		end_here("vole: a fault that cannot be reported\n");
	here->masked = true;
	if (!page_fault || c->error & PF_FETCH || !stack_fault(c->cr2, &regs)) {
		depth++;
		panic_exception(&regs, describe(trap), page_fault ? c->cr2 : 0);
	}
	here->masked = masked;
}

void sim_faults_init(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGPROF, SIGSYS};
	struct {
		void *sp;
		int flags;
		size_t size;
	} stack = {signal_stack, 0, sizeof signal_stack};
	struct {
		void (*handler)(int, void *, void *);
		uint64_t flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = {handler, SA_SIGINFO_ONSTACK_RESTORER_NODEFER, sim_sigreturn, 0};

	sim_call(SYS_SIGALTSTACK, (long)&stack, 0, 0, 0, 0, 0);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sim_call(SYS_SIGACTION, signals[i], (long)&action, 0, sizeof action.mask, 0, 0);
	for (int i = 0; i < MAX_CORES; i++)
		sim_call(SYS_MPROTECT, (long)sim_cores[i].irq_stack, PAGE_SIZE, 0, 0, 0, 0);
	sim_refuse_init();
}
