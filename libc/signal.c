/*
 * Signals are calls: raise, and kill of the one process that there is, call the program's handler
 * in the coroutine that raises. Handlers are the program's, whoever sets them, and stay. That of
 * SIGINT is also called, in a coroutine of its own, when Ctrl-C is typed at a terminal.
 */
#include <errno.h>
#include <reent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "debug/order.h"
#include "debug/panic.h"
#include "drivers/console.h"
#include "libc/state.h"

/* The names that newlib calls. */
int _kill_r(struct _reent *r, int pid, int sig);
int _raise_r(struct _reent *r, int sig);
_sig_func_ptr _signal_r(struct _reent *r, int sig, _sig_func_ptr handler);

static _Atomic(_sig_func_ptr) handlers[NSIG]; /* NULL is SIG_DFL */

static bool is_signal(int sig)
{
	if (sig > 0 && sig < NSIG)
		return true;
	errno = EINVAL;
	return false;
}

/* Ctrl-C was typed, and there is a handler, or was just now. */
static void raise_interrupt(void *unused)
{
	(void)unused;
	if (libc_signal_handled(SIGINT))
		raise(SIGINT);
}

_sig_func_ptr signal(int sig, _sig_func_ptr handler)
{
	_sig_func_ptr old;

	if (!is_signal(sig))
		return SIG_ERR;
	/* release: with the acquire in raise and abort: what the handler needs is there. */
	order_out(&handlers[sig]);
	old = atomic_exchange_explicit(&handlers[sig], handler, memory_order_release);
	if (sig == SIGINT)
		console_on_interrupt(handler == SIG_DFL ? NULL : raise_interrupt);
	return old;
}

bool libc_signal_handled(int sig)
{
	return atomic_load_explicit(&handlers[sig], memory_order_relaxed) != SIG_DFL;
}

static _Noreturn void die_of(int sig)
{
	if (sig == SIGABRT)
		panic("abort() called");
	panic("signal %d raised", sig);
}

/* Those that end no process of which nobody has said what they do. */
static bool is_harmless(int sig)
{
	return sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;
}

int raise(int sig)
{
	_sig_func_ptr handler;

	if (!is_signal(sig))
		return -1;
	/* acquire: with the release in signal. */
	handler = atomic_load_explicit(&handlers[sig], memory_order_acquire);
	if (handler == SIG_IGN || (handler == SIG_DFL && is_harmless(sig)))
		return 0;
	if (handler == SIG_DFL)
		die_of(sig);
	order_in(&handlers[sig]);
	handler(sig);
	return 0;
}

/* 0 and -1 are all processes of a group, and all: this one. */
int kill(pid_t pid, int sig)
{
	if (pid != getpid() && pid != 0 && pid != -1) {
		errno = ESRCH;
		return -1;
	}
	return sig == 0 ? 0 : raise(sig);
}

/* A handler of SIGABRT may call this again: then it has had its turn. */
void abort(void)
{
	/* acquire: with the release in signal. */
	_sig_func_ptr handler = atomic_exchange_explicit(&handlers[SIGABRT], SIG_DFL,
							 memory_order_acquire);

	if (handler != SIG_DFL && handler != SIG_IGN) {
		order_in(&handlers[SIGABRT]);
		handler(SIGABRT);
	}
	die_of(SIGABRT);
}

/* newlib's functions get the reent of who calls, so errno is the same place. */

int _kill_r(struct _reent *r, int pid, int sig)
{
	(void)r;
	return kill(pid, sig);
}

int _raise_r(struct _reent *r, int sig)
{
	(void)r;
	return raise(sig);
}

_sig_func_ptr _signal_r(struct _reent *r, int sig, _sig_func_ptr handler)
{
	(void)r;
	return signal(sig, handler);
}
