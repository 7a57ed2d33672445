/*
 * How programs end: exit, failed assertions, and the flush of standard output before a panic
 * speaks. Only one coroutine ever leaves: the first that calls exit; others that do wait for ever.
 */
#include <assert.h>
#include <reent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <unistd.h>

#include <vole/go.h>
#include <vole/sync.h>
#include <vole/time.h>

#include "arch/arch.h"
#include "debug/leaks.h"
#include "debug/panic.h"
#include "drivers/console.h"
#include "kernel/outside.h"
#include "kernel/start.h"

/* newlib's, without a header. Weak: a program without stdio does not get it by this. */
void __call_exitprocs(int status, void *dso);
int __sflush_r(struct _reent *r, FILE *file) __attribute__((weak));
extern __FILE __sf[3] __attribute__((weak));
extern struct __lock __lock___sfp_recursive_mutex;

enum { LOCK_TRIES = 1000 }; /* a millisecond apart */

/* False: another coroutine holds it, or the list of streams. While that list is locked, no stream of
 * it is closed, and its lock with it. */
static bool try_flush(FILE *file)
{
	bool done = true;

	if (!__lock_try_acquire_recursive(&__lock___sfp_recursive_mutex))
		return false;
	if ((file->_flags & __SWR) && file->_bf._base) {
		done = __lock_try_acquire_recursive(file->_lock);
		if (done) {
			__sflush_r(_REENT, file);
			__lock_release_recursive(file->_lock);
		}
	}
	__lock_release_recursive(&__lock___sfp_recursive_mutex);
	return done;
}

/*
 * A stream that another coroutine holds: output takes a while, so we wait for it; but who holds it
 * may also wait for something that never comes, and the machine shall go off all the same.
 */
static void flush_stream(FILE *file)
{
	for (int i = 0; i < LOCK_TRIES && !try_flush(file); i++)
		time_sleep(NSEC_PER_MSEC);
}

/* In place of newlib's: that one also closes streams that are read, and waits for their readers. */
static void flush_streams(void)
{
	if (!_GLOBAL_REENT->__cleanup || !__sflush_r)
		return;
	for (struct _glue *glue = &_GLOBAL_REENT->__sglue; glue; glue = glue->_next)
		for (int i = 0; i < glue->_niobs; i++)
			flush_stream(&glue->_iobs[i]);
}

/* From the linker script: what runs when main has ended, the last one first. */
extern void (*const __fini_array_start[])(void), (*const __fini_array_end[])(void);

static void run_destructors(void)
{
	static void (*const *last)(void) = __fini_array_end;

	while (last > __fini_array_start)
		(*--last)();
}

static _Noreturn void wait_for_ever(void)
{
	static struct sema never;

	for (;;)
		(void)sema_acquire(&never); /* shielded, so it does not return */
}

void exit(int status)
{
	static _Atomic uint64_t leaver; /* an id */
	uint64_t nobody = 0, self = go_id();

	__builtin_unwind_init(); /* what registers lead to is in use, too */
	go_shield(true);
	/* Again from one of the functions that it calls: goes on with those that are left. */
	if (!atomic_compare_exchange_strong_explicit(&leaver, &nobody, self, memory_order_relaxed,
						     memory_order_relaxed) &&
	    nobody != self)
		wait_for_ever();
	leaks_exit_begins();
	__call_exitprocs(status, NULL);
	run_destructors();
	flush_streams();
	_exit(leaks_exit(status));
}

void _exit(int status)
{
	machine_exit(status & 0xff);
}

/* ---- Assertions ------------------------------------------------------------------------------ */

void __assert_func(const char *file, int line, const char *function, const char *what)
{
	if (function)
		panic("%s:%d: %s: assertion \"%s\" failed", file, line, function, what);
	panic("%s:%d: assertion \"%s\" failed", file, line, what);
}

void __assert(const char *file, int line, const char *what)
{
	__assert_func(file, line, NULL, what);
}

/* ---- Panics --------------------------------------------------------------------------------- */

void libc_flush_for_panic(void)
{
	unsigned char *base = NULL;
	size_t n = 0;

	if (__sf) {
		__FILE *out = &__sf[1];
		ptrdiff_t buffered = out->_p - out->_bf._base;

		/* It may be in the middle of a change. */
		if ((out->_flags & __SWR) && out->_bf._base && buffered > 0 &&
		    buffered <= out->_bf._size) {
			base = out->_bf._base;
			n = (size_t)buffered;
			out->_p = base;
		}
	}
	console_flush_for_panic(base, n);
}
