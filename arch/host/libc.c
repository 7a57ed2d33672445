/*
 * What the kernel asks of the layers above it, where the C library is the host's: a console that is
 * a file, and the ends of programs. The linker sends calls of NAME to __wrap_NAME (arch.mk).
 *
 * tools/stackdepth knows nothing of the host's library but this, more than twice what was
 * measured (glibc 2.36); so a coroutine that uses more of it has a growing stack.
 * depth: frame memcpy 32
 * depth: frame memmove 32
 * depth: frame memset 32
 * depth: frame memcmp 32
 * depth: frame strnlen 32
 * depth: frame clock_gettime 96
 * depth: frame timer_settime 64
 * depth: frame tgkill 32
 */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vole/go.h>
#include <vole/sync.h>
#include <vole/time.h>

#include "arch/host/net.h"
#include "arch/host/streams.h"
#include "debug/leaks.h"
#include "debug/panic.h"
#include "kernel/co.h"
#include "kernel/heap.h"
#include "kernel/lock.h"
#include "kernel/outside.h"
#include "kernel/start.h"

char *__wrap_strtok(char *text, const char *separators);
struct tm *__wrap_localtime(const time_t *time);
struct tm *__wrap_gmtime(const time_t *time);
char *__wrap_asctime(const struct tm *tm);
char *__wrap_ctime(const time_t *time);
int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
			   struct timespec *rest);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
			   struct timespec *rest);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *rest);
int __wrap_usleep(useconds_t us);
unsigned __wrap_sleep(unsigned seconds);
_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_abort(void);
int __real_sigaction(int sig, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *old);
sighandler_t __wrap_signal(int sig, sighandler_t handler);
int __wrap_kill(pid_t pid, int sig);
int __real_raise(int sig);
int __wrap_raise(int sig);
_Noreturn void __wrap___assert_fail(const char *what, const char *file, unsigned line,
				    const char *function);

static struct spinlock output;

void console_init(void)
{
}

void console_flush_polled(void)
{
	host_flush();
}

bool console_hold(void)
{
	return spin_lock_for(&output, NSEC_PER_SEC / 10);
}

void console_release(bool held)
{
	host_flush();
	if (held)
		spin_unlock(&output);
}

/* From the linker's own script: what runs before main. */
extern void (*const __init_array_start[])(int argc, char **argv, char **environment);
extern void (*const __init_array_end[])(int argc, char **argv, char **environment);

/* As on a machine: lines come out when they are complete, and whole, whatever standard output is; and
 * constructors run in main's coroutine. */
void libc_init(void)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	streams_init();
	errno = 0;
	for (int i = 0; i < options.argc; i++)
		for (char *c = options.argv[i]; (c = strchr(c, HOST_QUOTE));)
			*c = '"';
	for (size_t i = 0; __init_array_start + i < __init_array_end; i++)
		__init_array_start[i](options.argc, options.argv, environ);
}

/* What newlib keeps for a coroutine, and the host's library for all. */
struct _reent {
	char *strtok_place;
	struct tm tm;
	char time_text[26]; /* as long as asctime_r wants it */
};

static struct _reent *own_state(void)
{
	static struct _reent shared;
	struct co *self = arch_current();

	if (!self->reent) {
		self->reent = heap_alloc(sizeof *self->reent);
		if (!self->reent)
			return &shared;
		*self->reent = (struct _reent){0};
	}
	return self->reent;
}

void libc_co_exit(struct co *co)
{
	heap_free(co->reent);
}

struct tm *__wrap_localtime(const time_t *time)
{
	return localtime_r(time, &own_state()->tm);
}

struct tm *__wrap_gmtime(const time_t *time)
{
	return gmtime_r(time, &own_state()->tm);
}

char *__wrap_asctime(const struct tm *tm)
{
	return asctime_r(tm, own_state()->time_text);
}

char *__wrap_ctime(const time_t *time)
{
	return ctime_r(time, own_state()->time_text);
}

char *__wrap_strtok(char *text, const char *separators)
{
	return strtok_r(text, separators, &own_state()->strtok_place);
}

/* ---- Sleeping: the coroutine, not the thread ---- */

/* False: not a time. */
static bool from_timespec(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)NSEC_PER_SEC)
		return false;
	if (__builtin_mul_overflow((uint64_t)ts->tv_sec, NSEC_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, (uint64_t)ts->tv_nsec, ns))
		*ns = TIME_NEVER;
	return true;
}

static uint64_t until(uint64_t now, uint64_t ns)
{
	return ns < TIME_NEVER - now ? now + ns : TIME_NEVER;
}

/* Returns an errno value, as POSIX has it. The clocks of processor time keep the core. */
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
			   struct timespec *rest)
{
	uint64_t now = time_now(), ns, deadline, left;
	struct timespec clock_now;
	int error;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return __real_clock_nanosleep(clock, flags, wanted, rest);
	if (!from_timespec(wanted, &ns))
		return EINVAL;
	if (flags & TIMER_ABSTIME) {
		clock_gettime(clock, &clock_now);
		left = (uint64_t)clock_now.tv_sec * NSEC_PER_SEC + (uint64_t)clock_now.tv_nsec;
		ns = ns == TIME_NEVER ? ns : ns > left ? ns - left : 0;
	}
	deadline = until(now, ns);
	error = time_sleep_until(deadline);
	if (error && rest && !(flags & TIMER_ABSTIME)) {
		now = time_now();
		left = now < deadline ? deadline - now : 0;
		*rest = (struct timespec){(time_t)(left / NSEC_PER_SEC),
					  (long)(left % NSEC_PER_SEC)};
	}
	return -error;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *rest)
{
	int error = __wrap_clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, rest);

	if (error)
		errno = error;
	return error ? -1 : 0;
}

int __wrap_usleep(useconds_t us)
{
	int error = time_sleep(us * NSEC_PER_USEC);

	if (error)
		errno = -error;
	return error ? -1 : 0;
}

unsigned __wrap_sleep(unsigned seconds)
{
	uint64_t deadline = until(time_now(), seconds * NSEC_PER_SEC);

	if (time_sleep_until(deadline) == 0)
		return 0;

	uint64_t now = time_now();

	/* What is left, in seconds begun. */
	return now < deadline ? (unsigned)((deadline - now + NSEC_PER_SEC - 1) / NSEC_PER_SEC) : 0;
}

/* Whoever has the lock of stdout has been stopped, or is this thread, in the middle of a change. */
void libc_flush_for_panic(void)
{
	if (ftrylockfile(stdout))
		return;
	fflush_unlocked(stdout);
	funlockfile(stdout);
}

static int exit_status;

/* After all others of the program. */
static __attribute__((destructor(101))) void end_with_leaks(void)
{
	int status = leaks_exit(exit_status);

	if (status == exit_status)
		return;
	fflush(NULL);
	host_terminal_back();
	_exit(status);
}

/* Only one coroutine ever leaves; others that call exit wait for ever. */
void __wrap_exit(int status)
{
	static struct sema never;
	static _Atomic(struct co *) leaver;
	struct co *nobody = NULL, *self = arch_current();

	__builtin_unwind_init(); /* what registers lead to is in use, too */
	go_shield(true);
	/* Again from one of the functions that it calls: goes on with those that are left. */
	if (!atomic_compare_exchange_strong_explicit(&leaver, &nobody, self, memory_order_relaxed,
						     memory_order_relaxed) &&
	    nobody != self)
		for (;;)
			(void)sema_acquire(&never); /* shielded, so it does not return */
	leaks_exit_begins();
	exit_status = status;
	__real_exit(status);
}

/* ---- Signals ---- */

static struct mutex handlers_lock;
static struct sigaction handlers[NSIG]; /* the program's, of the kernel's signals; guarded by it */

/* The library's, with its errno. */
static int library_sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	int result, error;

	preempt_disable();
	result = __real_sigaction(sig, action, old);
	error = thread_errno();
	preempt_enable();
	if (result)
		errno = error;
	return result;
}

int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	struct sigaction wanted, was;

	if (action)
		wanted = *action; /* may be what old points to */
	if (sig < 0 || sig >= NSIG || !host_is_own_signal(sig)) {
		int result = library_sigaction(sig, action ? &wanted : NULL, &was);

		if (!result && host_is_own_handler(was.sa_handler))
			was = (struct sigaction){.sa_handler = SIG_DFL};
		if (!result && old)
			*old = was;
		return result;
	}
	mutex_lock(&handlers_lock);
	was = handlers[sig];
	if (action)
		handlers[sig] = wanted;
	mutex_unlock(&handlers_lock);
	if (old)
		*old = was;
	return 0;
}

sighandler_t __wrap_signal(int sig, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	sigemptyset(&action.sa_mask);
	return sigaction(sig, &action, &old) ? SIG_ERR : old.sa_handler;
}

int __wrap_raise(int sig)
{
	struct sigaction action;

	host_grow_stack();
	if (sig <= 0 || sig >= NSIG || !host_is_own_signal(sig))
		return __real_raise(sig);
	sigaction(sig, NULL, &action);
	if (action.sa_handler == SIG_DFL)
		host_end_by(sig);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(sig, &(siginfo_t){.si_signo = sig}, NULL);
	else if (action.sa_handler != SIG_IGN)
		action.sa_handler(sig);
	return 0;
}

int __wrap_kill(pid_t pid, int sig)
{
	if (pid == getpid() && sig > 0 && sig < NSIG && host_is_own_signal(sig))
		return raise(sig);
	host_grow_stack();
	return (int)net_result(host_call(SYS_kill, pid, sig, 0, 0, 0, 0));
}

void __wrap_abort(void)
{
	struct sigaction action;

	if (sigaction(SIGABRT, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
	    action.sa_handler != SIG_IGN)
		raise(SIGABRT); /* the program's handler */
	panic("abort() called");
}

void __wrap___assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
	if (function)
		panic("%s:%u: %s: assertion \"%s\" failed", file, line, function, what);
	panic("%s:%u: assertion \"%s\" failed", file, line, what);
}
