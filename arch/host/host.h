/*
 * What the files of this port tell each other. Nobody outside arch/host includes this; it comes
 * first, because it says which of the C library's declarations are wanted.
 *
 * Cores are threads, interrupts are signals on an alternate stack, and what waits for an interrupt
 * sleeps in the host's kernel. The C library is the host's, shared by all threads and full of
 * locks, so a coroutine is never preempted inside it: see signals.c and late.c. What differs from a
 * machine, for programs:
 *
 * - Standard input and output are the host's, and so are files unless FILES= names a folder: then
 *   the program sees the files of that, to be read, under /, and no others (files.c). Reading what has no input yet parks the
 *   coroutine (input.c), by stdio too where the stream is standard input or of fdopen (streams.c);
 *   as long as no other process reads the same. Sleeping parks it, and so does write() to a pipe that is full
 *   (not stdio). Every other call that waits
 *   for the host keeps its core, and cancellation does not reach it; calls that signals do not
 *   restart may give EINTR.
 * - Sockets are the host's, too, but waiting for them parks the coroutine (net.c). That is for the
 *   calls that arch.mk wraps.
 * - errno, strtok, localtime and the like are each coroutine's own; whatever else the library keeps
 *   for a thread is the thread's, and not kept across a switch.
 * - What the library's rarer functions (those that calls.S does not list) write to errno is seen
 *   when the program names errno, and not before by a pointer to it that it has kept.
 * - A callback from the library (of qsort) may be preempted, and move to another core. One that it
 *   calls with a lock held, or between flockfile and funlockfile, must neither compute for long nor
 *   block.
 * - Stacks grow by faults of the program, not of Linux in a system call: a buffer of several pages
 *   on the stack, never touched, gives EFAULT. Applications touch theirs; the library does not.
 * - The kernel's own messages go to standard error.
 * - SIGUSR1, SIGUSR2, SIGVTALRM, SIGTRAP, with PROFILE= SIGURG, and those of faults are the kernel's: handlers of the program's for
 *   them are called by raise, and by kill of oneself, only.
 * - There are no devices: irq_attach gives -EINVAL.
 */
#ifndef HOST_H
#define HOST_H

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <ucontext.h>

#include "arch/devices.h"

/* The registers as Linux puts them on the signal stack; of the C library's struct only what Linux
 * knows is there, which ends with 8 bytes of uc_sigmask. */
struct arch_regs {
	ucontext_t uc;
};

enum { SIGSET_BYTES = 8, UC_SIZE = offsetof(ucontext_t, uc_sigmask) + SIGSET_BYTES };

/* Ordinary signals, which coalesce as interrupts do. */
enum {
	SIGNAL_TIMER = SIGVTALRM,
	SIGNAL_RESCHEDULE = SIGUSR1,
	SIGNAL_STOP = SIGUSR2, /* never masked */
	SIGNAL_SAMPLE =
		SIGURG, /* only where samples are taken; Linux delivers it before that of the timer */
	SIGNAL_DUMP = SIGQUIT,
	SIGNAL_TIMEOUT = SIGALRM,
};

/* ns, from try to try to interrupt a call that is long: more than an interrupt takes, or nothing
 * gets on. */
enum { HOST_RETRY_FIRST = 50 * 1000, HOST_RETRY_LAST = 1000 * 1000 };
/* REG_TRAPNO of a page fault, and its REG_ERR. */
enum { TRAP_PAGE_FAULT = 14, PF_PRESENT = 1, PF_WRITE = 2, PF_RESERVED = 8, PF_FETCH = 16 };

/* What stands for a double quote in a word of the process's arguments, until main: in the kernel's
 * command line quotes group, and there is no other way to say one. */
enum { HOST_QUOTE = 1 };

enum { STATUS_PANIC = 134, STATUS_TIMED_OUT = 124 };
enum { SIGNAL_STACK = 128 * 1024 };

/* What this port keeps for a core; struct core's arch points to it. */
struct host_core {
	/* The core's own. */
	timer_t timer, sample_timer;
	bool samples;         /* sample_timer has been made */
	uint64_t deadline;    /* what it is armed for */
	unsigned postponed;   /* bits: signals that came in the C library */
	uint64_t retry;       /* until the next try to serve them, in ns */
	unsigned steps;       /* instructions until that is given up; 0: it does not step */
	uint64_t steps_began; /* 0: it does not step */
	uint64_t least;       /* until the timer goes off, at least, in ns: see late.c */
	uintptr_t resumed_at; /* pc of what was preempted and goes on; 0: it has got on since */
	unsigned fault_depth; /* fault handlers that have not returned */
	char what[96];        /* text for panic_exception */
	stack_t signal_stack;
	uint64_t sampled; /* the processor time of its thread at the last sample */

	/* Written by the thread before it is up. */
	pid_t thread;
	_Atomic bool up;
};

/* The thread's errno, which the C library writes: see errno.c. By its place from the FS base, in
 * one instruction, for the coroutine may be in another thread by the next; and GCC 12's sanitizers take an
 * address in a segment for one in memory (its bug 111736). */
enum { NO_ERRNO = INT32_MIN }; /* also in calls.S and switch.S */
extern unsigned long host_errno_offset;

static inline int thread_errno(void)
{
	int error;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(error) : "r"(host_errno_offset) : "memory");
	return error;
}

static inline void set_thread_errno(int error)
{
	__asm__ volatile("movl %0, %%fs:(%1)" : : "r"(error), "r"(host_errno_offset) : "memory");
}

/* The port's part of the core this runs on; with preemption held off, or in a signal. */
struct host_core *host_core_here(void);

/* A system call, without the C library: a result, or a negative errno value. */
static inline long host_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

struct pollfd;

/* How many of them are ready now, or a negative errno value. A signal, which is an interrupt here, has Linux say EINTR
 * where none is. */
static inline long host_poll_now(struct pollfd *fds, size_t n)
{
	long ready;

	do
		ready = host_call(SYS_poll, (long)fds, (long)n, 0, 0, 0, 0);
	while (ready == -EINTR);
	return ready;
}

/* ---- switch.S ---- */

/* Calls fn(arg), which does not return, on the stack that ends at top. */
_Noreturn void host_enter(void *top, void (*fn)(void *arg), void *arg);
/* arch_resume, from a struct ucontext that has all there is to restore. */
struct co *host_resume(struct co *prev, struct co *next, ucontext_t *uc);

/* ---- start.c ---- */

_Noreturn void host_die(const char *what); /* with what errno says */
size_t host_option_size(const char *name, size_t otherwise);

/* ---- errno.c ---- */

void host_errno_init(void);
void host_no_core(void); /* the calling thread is none, and may call the library all the same */
/* Around a call of the library that may set errno, or tell it. */
void host_library_begins(void);
void host_library_ends(void);

/* ---- cores.c ---- */

void host_sample_every(uint64_t ns); /* machine.sample_every */
void host_cores_init(void);
void host_timer_interrupt(struct host_core *h);
void host_sample(int signal, siginfo_t *info, void *context); /* handles SIGNAL_SAMPLE */

/* ---- signals.c ---- */

extern sigset_t host_interrupts;   /* the signals that are interrupts */
extern _Atomic bool host_stopping; /* arch_stop_others has been called */

void host_signals_init(void);
size_t host_frame_size(void); /* for machine.frame_size, after that */
void host_samples_init(void);
/* Signals, as bits, that are interrupts of the program. May not return: the coroutine that was
 * interrupted is preempted. error: errno in it. */
void host_serve(unsigned signals, const struct arch_regs *regs, int error);

/* ---- late.c ---- */

bool host_in_program(uintptr_t pc);            /* not in the C library */
uintptr_t host_stack_low(const struct co *co); /* how far down its stack may grow */

/* Before the first signal. */
void host_late_init(void);

/* The handlers of interrupts, of single steps, and (faults.c) of faults. */
void host_interrupt(int signal, siginfo_t *info, void *context);
void host_step(int signal, siginfo_t *info, void *context);
void host_fault(int signal, siginfo_t *info, void *context);

/* ---- unwind.c ---- */

/* Where the stack holds the return address into the program, for an interrupt that came in a
 * library, on a stack that ends at stack_top; NULL: the tables do not tell. *fp gets the frame pointer there. */
uintptr_t *host_way_out(const struct arch_regs *regs, uintptr_t stack_top, uintptr_t *fp);

/* ---- memory.c ---- */

void host_memory_init(void);
/* A page of a window, which the kernel maps later; false: it is there. */
bool host_page_in(uintptr_t va);

/* ---- net.c ---- */

void host_net_init(void);
void host_net_halt(const sigset_t *mask); /* sleeps until a signal, or news of a socket */
void host_net_interrupt(void);            /* in a handler */
/* For what writes to the stack while it cannot grow: Linux that calls a handler of the program's,
 * or code that has masked even the signals by which stacks grow. */
void host_grow_stack(void);
bool host_thread(void *(*fn)(void *arg), void *arg); /* detached, not a core, without signals */

/* ---- files.c ---- */

void host_files_init(void);

/* ---- debug.c ---- */

/* What arch_early_putc has kept. */
void host_flush(void);

/* A signal whose handler is ours for good: what the program says of it is kept apart. */
bool host_is_own_signal(int signal);
/* A handler of ours that stands for what is usual. */
bool host_is_own_handler(void (*handler)(int));
/* Ends the process as the signal does where nobody handles it. */
_Noreturn void host_end_by(int signal);

/* Sets a terminal that the program has changed back, before the process is ended; and has signals that end
 * it do so. */
void host_terminal_back(void);
void host_end_with_terminal(void);

#endif
