/*
 * Signals as interrupts, and setting signals up. Handlers run on the thread's signal stack,
 * interrupts masked.
 *
 * Preemption: a coroutine's registers go into its frame, and the handler never returns; its signal
 * stack is free again as soon as the thread's stack pointer is elsewhere. The coroutine goes on by
 * the system call with which handlers return, perhaps in another thread.
 */
#include "host.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/core.h"

enum { SW_BYTES = 464, FXSAVE_SIZE = 512 }; /* in the floating-point state */

sigset_t host_interrupts;
_Atomic bool host_stopping;

static size_t fp_size = FXSAVE_SIZE; /* of the state that Linux gives to a handler */

struct frame {
	struct arch_regs regs;
	int error; /* the thread's errno, but code that is interrupted does not expect it to change */
	_Alignas(64) char fp[];
};

/* ---- Interrupts ---- */

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
	struct host_core *h = host_core_here();

	set_thread_errno(frame->error);
	/* The thread's, not the one that was interrupted. */
	frame->regs.uc.uc_stack = h->signal_stack;
	h->resumed_at = (uintptr_t)frame->regs.uc.uc_mcontext.gregs[REG_RIP];
	return host_resume(prev, next, &frame->regs.uc);
}

size_t host_frame_size(void)
{
	return (sizeof(struct frame) + fp_size + 63) & ~(size_t)63;
}

void arch_call_handler(void (*fn)(void *arg), void *arg)
{
	fn(arg); /* Linux has put the floating-point registers aside */
}

void host_serve(unsigned signals, const struct arch_regs *regs, int error)
{
	struct frame *frame;

	if (signals & 1u << SIGNAL_TIMER)
		host_timer_interrupt(host_core_here());
	if (signals & 1u << SIGNAL_RESCHEDULE)
		irq_reschedule();
	host_net_interrupt();
	frame = irq_exit();
	if (frame)
		preempt(regs, error, frame);
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
	int error = thread_errno();

	(void)signal;
	(void)info;
	if (core_count())
		panic_nmi(context);
	host_flush();
	set_thread_errno(error);
}

/* ---- Setting up ---- */

static void timed_out(int signal)
{
	(void)signal;
	host_terminal_back();
	_exit(STATUS_TIMED_OUT);
}

/* The C library's own, for the sanitizers would have handlers wait. */
int __sigaction(int signal, const struct sigaction *action, struct sigaction *old);

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | flags,
				   .sa_mask = host_interrupts};

	if (__sigaction(signal, &action, NULL))
		host_die("sigaction");
}

static void handle_plain(int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART};

	sigfillset(&action.sa_mask);
	if (__sigaction(signal, &action, NULL))
		host_die("sigaction");
}

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

bool host_is_own_signal(int signal)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (signal == faults[i])
			return true;
	return signal == SIGNAL_TIMER || signal == SIGNAL_RESCHEDULE || signal == SIGNAL_STOP ||
	       signal == SIGTRAP || (signal == SIGNAL_SAMPLE && sample_period);
}

/* It comes when the handler has returned that this is called in. */
static void end_by(int signal)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};

	host_terminal_back();
	__sigaction(signal, &usual, NULL);
	host_call(SYS_kill, getpid(), signal, 0, 0, 0, 0);
}

bool host_is_own_handler(void (*handler)(int))
{
	return handler == end_by || handler == timed_out || handler == (void (*)(int))(void *)dump;
}

void host_end_by(int signal)
{
	sigset_t only;

	end_by(signal);
	sigemptyset(&only);
	sigaddset(&only, signal);
	host_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&only, 0, SIGSET_BYTES, 0, 0);
	for (;;)
		host_call(SYS_pause, 0, 0, 0, 0, 0, 0);
}

void host_end_with_terminal(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction now;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (__sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			handle_plain(ends[i], end_by);
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

void host_samples_init(void)
{
	handle(SIGNAL_SAMPLE, host_sample, 0);
}

void host_signals_init(void)
{
	sigemptyset(&host_interrupts);
	sigaddset(&host_interrupts, SIGNAL_TIMER);
	sigaddset(&host_interrupts, SIGNAL_RESCHEDULE);
	host_late_init();

	handle(SIGNAL_RESCHEDULE, measure, 0);
	host_call(SYS_kill, getpid(), SIGNAL_RESCHEDULE, 0, 0, 0, 0);

	host_interrupts_off();
	handle(SIGNAL_TIMER, host_interrupt, 0);
	handle(SIGNAL_RESCHEDULE, host_interrupt, 0);
	handle(SIGNAL_DUMP, dump, 0);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		handle(faults[i], host_fault, SA_NODEFER);
	handle(SIGTRAP, host_step, SA_NODEFER);
	handle_plain(SIGNAL_STOP, stop);
	handle_plain(SIGNAL_TIMEOUT, timed_out);
}
