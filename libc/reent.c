/*
 * errno, and newlib's state of a coroutine. errno is in struct co, for the coroutine's whole life:
 * newlib is built so that a struct _reent has its address (tools/newlib). A reent is attached the
 * first time newlib asks for one, and given back when the coroutine ends. The first coroutine uses
 * newlib's global one; schedulers do not call newlib: what they get is the global one too. The
 * standard streams are the same for all, and so is what rand and its like keep (rand.c).
 */
#include <errno.h>
#include <reent.h>
#include <string.h>

#include "arch/arch.h"
#include "debug/block.h"
#include "debug/panic.h"
#include "kernel/co.h"
#include "kernel/heap.h"
#include "kernel/outside.h"
#include "libc/state.h"

int *__errno(void);

/* Weak: a program without stdio does not get it by this. */
extern void __sinit(struct _reent *reent) __attribute__((weak));

struct _reent *__getreent(void);

int *__errno(void)
{
	return &arch_current()->error;
}

static struct _reent *attach_reent(struct co *self)
{
	/* In a panic who has stopped may hold what an allocation waits for. */
	if (self->flags & CO_KERNEL || shared_get(panicking))
		return _GLOBAL_REENT;

	struct _reent *reent = heap_alloc(sizeof(*reent));

	/* newlib has no way to be told that there is none. */
	if (!reent)
		panic("no memory for the C library's state of a coroutine");
	memset(reent, 0, sizeof(*reent));
	_REENT_INIT_PTR_ZEROED(reent);
	reent->_errno_at = &self->error;
	reent->_r48 = &libc_random;
	self->reent = reent;
	return reent;
}

struct _reent *__getreent(void)
{
	struct co *self = arch_current();

	return self->reent ? self->reent : attach_reent(self);
}

/* From the linker script: what runs before main. */
extern void (*const __preinit_array_start[])(void), (*const __preinit_array_end[])(void);
extern void (*const __init_array_start[])(void), (*const __init_array_end[])(void);

static void run_all(void (*const *first)(void), void (*const *end)(void))
{
	for (; first < end; first++)
		(*first)();
}

/* newlib forgets these powers of five, by which floating-point numbers are printed and read. */
static void free_powers(struct _mprec *numbers)
{
	struct _Bigint *power = numbers->_p5s, *next;

	for (; power; power = next) {
		next = power->_next;
		block_free(power);
	}
}

void libc_init(void)
{
	struct co *self = arch_current();

	_GLOBAL_REENT->_errno_at = &self->error;
	_GLOBAL_REENT->_r48 = &libc_random;
	self->reent = _GLOBAL_REENT;
	libc_date_init();
	if (__sinit) {
		/* Now, not when main first prints: exit flushes what others have printed, too. */
		__sinit(_GLOBAL_REENT);
		libc_streams_init();
	}
	run_all(__preinit_array_start, __preinit_array_end);
	run_all(__init_array_start, __init_array_end);
}

void libc_co_exit(struct co *co)
{
	struct _reent *reent = co->reent;

	if (!reent)
		return;
	co->reent = NULL;
	if (reent == _GLOBAL_REENT) {
		static int nobodys;

		reent->_errno_at = &nobodys; /* schedulers may get it still */
		return;
	}
	if (reent->_mp)
		free_powers(reent->_mp);
	reent->_r48 = NULL; /* everybody's */
	_reclaim_reent(reent);
	heap_free(reent);
}
