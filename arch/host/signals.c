/*
 * Signals: interrupts and faults, on the thread's signal stack, interrupts masked.
 *
 * Preemption. The C library has locks, and what a thread keeps for it in FS: so a coroutine is
 * preempted only where its own code, or the kernel's, is interrupted. Elsewhere the interrupt is
 * served when the library returns (late.c), or tried again. A preempted coroutine's registers go into its frame, and the handler never
 * returns; its signal stack is free again as soon as the thread's stack pointer is elsewhere.
 * The coroutine goes on by the system call with which handlers return, perhaps in another thread.
 */
#include "host.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/core.h"
#include "kernel/print.h"
#include "kernel/sched.h"

#define RETRY_LAST NSEC_PER_MSEC

enum { SW_BYTES = 464, FXSAVE_SIZE = 512 }; /* in the floating-point state */

sigset_t host_interrupts;
bool host_stopping;

static size_t fp_size = FXSAVE_SIZE; /* of the state that Linux gives to a handler */

struct frame {
	struct arch_regs regs;
	int error; /* errno: the thread's, but code that is interrupted does not expect it to change */
	_Alignas(64) char fp[];
};

/* ---- Interrupts ---- */

bool host_in_program(uintptr_t pc)
{
	extern const char __text_start[], __text_end[];

	return pc >= (uintptr_t)__text_start && pc < (uintptr_t)__text_end;
}

static _Noreturn void preempt(const struct arch_regs *regs, int error, struct frame *frame)
{
	memcpy(&frame->regs, regs, UC_SIZE);
	memcpy(frame->fp, regs->uc.uc_mcontext.fpregs, fp_size);
	frame->regs.uc.uc_mcontext.fpregs = (void *)frame->fp;
	frame->error = error;
	sched_preempted(frame);
}

struct co *arch_resume(struct co *prev, struct co *next, void *to)
{
	struct frame *frame = to;

	errno = frame->error;
	/* The thread's, not the one that was interrupted. */
	frame->regs.uc.uc_stack = host_core_here()->signal_stack;
	return host_resume(prev, next, &frame->regs.uc);
}

size_t arch_frame_size(void)
{
	return (sizeof(struct frame) + fp_size + 63) & ~(size_t)63;
}

void arch_call_handler(void (*fn)(void *arg), void *arg)
{
	fn(arg); /* Linux has put the floating-point registers aside */
}

/* Once more, soon; less soon each time, for a coroutine may wait in the C library for long. */
static void try_later(struct core *core, struct host_core *h)
{
	sched_timer_by(core, arch_clock() + h->retry);
	if (h->retry < RETRY_LAST)
		h->retry *= 2;
}

static void interrupt(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	const struct arch_regs *regs = context;
	struct core *core = core_here();
	struct host_core *h = core->arch;
	struct co *co = arch_current();

	(void)info;
	if (signal == SIGNAL_TIMER)
		host_timer_interrupt(h);
	else
		irq_reschedule();
	host_net_interrupt();
	if (core->irq_pending && !co->nopreempt &&
	    !host_in_program((uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP])) {
		if (fp_size == FXSAVE_SIZE || !host_preempt_at_return(regs))
			try_later(core, h);
	} else {
		struct frame *frame = irq_exit();

		h->retry = HOST_RETRY_FIRST;
		if (frame)
			preempt(regs, error, frame);
	}
	errno = error;
}

static void stop(int signal)
{
	(void)signal;
	/* Anybody may send the signal. */
	while (host_stopping)
		pause();
}

static void dump(int signal, siginfo_t *info, void *context)
{
	int error = errno;

	(void)signal;
	(void)info;
	if (core_count)
		panic_nmi(context);
	host_flush();
	errno = error;
}

/* ---- Faults ---- */

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

static const char *describe(struct host_core *h, int signal, const greg_t *regs, uintptr_t addr)
{
	uint64_t error = (uint64_t)regs[REG_ERR];

	if (regs[REG_TRAPNO] != TRAP_PAGE_FAULT)
		return name_of(signal);
	format(h->what, sizeof h->what, "page fault: %s0x%016lx%s",
	       error & PF_FETCH   ? "execute at "
	       : error & PF_WRITE ? "write to "
				  : "read from ",
	       addr,
	       addr < PAGE_SIZE        ? " (NULL pointer)"
	       : !(error & PF_PRESENT) ? " (not mapped)"
	       : error & PF_FETCH      ? " (not executable)"
				       : " (read-only)");
	return h->what;
}

static void fault(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	const struct arch_regs *regs = context;
	const greg_t *gregs = regs->uc.uc_mcontext.gregs;
	uintptr_t addr = (uintptr_t)info->si_addr;
	bool page_fault = gregs[REG_TRAPNO] == TRAP_PAGE_FAULT;

	if (!core_count)
		host_die("a fault before the kernel started");

	struct host_core *h = host_core_here();
	unsigned depth = ++h->fault_depth;

	if (depth > 2)
		host_die("a fault while reporting a fault");
	if (!page_fault || depth > 1 || gregs[REG_ERR] & (PF_FETCH | PF_RESERVED) ||
	    !stack_fault(addr, regs))
		panic_exception(regs, describe(h, signal, gregs, addr), page_fault ? addr : 0);
	h->fault_depth = depth - 1;
	errno = error;
}

/* ---- Setting up ---- */

static void timed_out(int signal)
{
	(void)signal;
	_exit(STATUS_TIMED_OUT);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | flags,
				   .sa_mask = host_interrupts};

	if (sigaction(signal, &action, NULL))
		host_die("sigaction");
}

static void handle_plain(int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART};

	sigfillset(&action.sa_mask);
	if (sigaction(signal, &action, NULL))
		host_die("sigaction");
}

/* How much state there is, Linux says to a handler only. */
static void measure(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	struct _fpx_sw_bytes sw;

	(void)signal;
	(void)info;
	memcpy(&sw, (const char *)uc->uc_mcontext.fpregs + SW_BYTES, sizeof sw);
	if (sw.magic1 == FP_XSTATE_MAGIC1)
		fp_size = sw.extended_size;
}

void host_signals_init(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

	sigemptyset(&host_interrupts);
	sigaddset(&host_interrupts, SIGNAL_TIMER);
	sigaddset(&host_interrupts, SIGNAL_RESCHEDULE);

	handle(SIGNAL_RESCHEDULE, measure, 0);
	raise(SIGNAL_RESCHEDULE);

	host_interrupts_off();
	handle(SIGNAL_TIMER, interrupt, 0);
	handle(SIGNAL_RESCHEDULE, interrupt, 0);
	handle(SIGNAL_DUMP, dump, 0);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		handle(faults[i], fault, SA_NODEFER);
	handle_plain(SIGNAL_STOP, stop);
	handle_plain(SIGNAL_TIMEOUT, timed_out);
}
