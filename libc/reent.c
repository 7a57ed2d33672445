/*
 * errno, and newlib's state of a coroutine. A struct _reent is attached to a coroutine the first
 * time newlib asks for one, and given back when the coroutine ends; until then its errno is in
 * struct co. The first coroutine uses newlib's global one. Idle coroutines do not call newlib: what
 * they get is the global one too. The standard streams are the same for all.
 */
#include <errno.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/lock.h>

#include "arch/arch.h"
#include "kernel/co.h"
#include "kernel/heap.h"
#include "kernel/outside.h"
#include "kernel/panic.h"

int *__errno(void);

/* Weak: a program without stdio does not get it by this. */
extern void __sinit(struct _reent *reent) __attribute__((weak));

struct _reent *__getreent(void);

int *__errno(void)
{
	struct co *self = arch_current();

	return self->reent ? &self->reent->_errno : &self->error;
}

static struct _reent *attach(struct co *self)
{
	if (self->flags & CO_KERNEL)
		return _GLOBAL_REENT;

	struct _reent *reent = heap_alloc(sizeof(*reent));

	/* newlib has no way to be told that there is none. */
	if (!reent)
		panic("no memory for the C library's state of a coroutine");
	memset(reent, 0, sizeof(*reent));
	_REENT_INIT_PTR_ZEROED(reent);
	reent->_errno = self->error;
	self->reent = reent;
	return reent;
}

struct _reent *__getreent(void)
{
	struct co *self = arch_current();

	return self->reent ? self->reent : attach(self);
}

void libc_init(void)
{
	struct co *self = arch_current();

	_GLOBAL_REENT->_errno = self->error;
	self->reent = _GLOBAL_REENT;
	if (!__sinit)
		return;
	/* Now, not when main first prints: exit flushes what others have printed, too. */
	__sinit(_GLOBAL_REENT);
	/* Standard error is written piece by piece; under one lock with standard output, one call
	 * comes out whole whatever others print. */
	__lock_close_recursive(stderr->_lock);
	stderr->_lock = stdout->_lock;
}

void libc_co_exit(struct co *co)
{
	struct _reent *reent = co->reent;

	if (!reent)
		return;
	co->error = reent->_errno;
	co->reent = NULL;
	if (reent == _GLOBAL_REENT)
		return;
	heap_free(reent->_sig_func); /* newlib leaves it behind */
	_reclaim_reent(reent);
	heap_free(reent);
}
