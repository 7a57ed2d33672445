/*
 * The standard streams. Their locks are static: a stream may be closed while others use it.
 *
 * Standard error goes out at the end of each call that prints there, in one piece, so that lines stay
 * whole beside those that others write by write: it has a buffer, which is sent when the lock is
 * given up. Standard output and standard error have one lock, so one call comes out whole whatever
 * others print.
 */
#include <errno.h>
#include <reent.h>
#include <stdio.h>
#include <sys/lock.h>

#include "libc/state.h"

/* newlib's. Weak: a program without stdio does not get it by this. */
int __sflush_r(struct _reent *r, FILE *file) __attribute__((weak));
extern __FILE __sf[3] __attribute__((weak));

static unsigned char error_buffer[BUFSIZ];

static void use_lock(FILE *file, _LOCK_T lock)
{
	__lock_close_recursive(file->_lock);
	file->_lock = lock;
}

void libc_streams_init(void)
{
	FILE *err = &__sf[2];

	__sf[1]._flags |= __SLBF; /* wherever it goes: lines come out when they are complete */
	use_lock(&__sf[0], &libc_lock_in);
	use_lock(&__sf[1], &libc_lock_out);
	use_lock(err, &libc_lock_out);
	err->_flags = (short)((err->_flags & ~(__SRW | __SNBF)) | __SWR);
	err->_bf._base = err->_p = error_buffer;
	err->_bf._size = err->_w = sizeof(error_buffer);
}

void libc_stderr_flush(void)
{
	FILE *err = &__sf[2];
	int error = errno;

	if (!(err->_flags & __SWR) || err->_p <= err->_bf._base)
		return;
	__sflush_r(_REENT, err);
	errno = error;
}

void libc_streams_closed(void)
{
	for (int i = 0; i < 3; i++) {
		if (__sf[i]._flags != 0)
			continue;
		__sf[i]._flags = __SERR;
		__sf[i]._file = -1;
	}
}

/* newlib declares these, and has their insides. */

void flockfile(FILE *file)
{
	if (!(file->_flags & __SSTR)) /* text in memory has no lock */
		__lock_acquire_recursive(file->_lock);
}

int ftrylockfile(FILE *file)
{
	return (file->_flags & __SSTR) || __lock_try_acquire_recursive(file->_lock) ? 0 : -1;
}

void funlockfile(FILE *file)
{
	if (!(file->_flags & __SSTR))
		__lock_release_recursive(file->_lock);
}

void libc_stream_closed(_LOCK_T lock)
{
	for (struct _glue *glue = &_GLOBAL_REENT->__sglue; glue; glue = glue->_next)
		for (int i = 0; i < glue->_niobs; i++) {
			FILE *file = &glue->_iobs[i];

			if (file->_flags != 0 || file->_lock != lock)
				continue;
			file->_p = file->_bf._base = file->_ub._base = file->_lb._base = NULL;
			file->_cookie = NULL;
			file->_lock = NULL;
		}
}
