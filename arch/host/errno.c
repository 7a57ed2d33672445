/*
 * errno is in struct co, as on every port. The C library writes to the thread's, which goes with
 * the coroutine through switches (switch.S). A value that no error has, NO_ERRNO, stands in the
 * thread's while the library has said nothing; anything else is news, and goes to the coroutine's:
 * after each call of the library that calls.S or stdio.c takes, and, for all the others, when errno
 * is named.
 *
 * During such a call the thread's is the coroutine's, for what the library prints (perror, %m).
 */
#include "host.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sys/syscall.h>

#include "kernel/core.h"

int *__wrap___errno_location(void);
int *__real___errno_location(void);

unsigned long host_errno_offset;

/* Threads that are not cores, and the first before it is one, have one errno together. */
static struct co nobody;
static const struct {
	struct co *current;
} no_core = {&nobody};

void host_no_core(void)
{
	host_call(SYS_arch_prctl, ARCH_SET_GS, (long)&no_core, 0, 0, 0, 0);
}

void host_errno_init(void)
{
	uintptr_t fs;

	__asm__("movq %%fs:0x0, %0" : "=r"(fs));
	host_errno_offset = (uintptr_t)__real___errno_location() - fs;
	/* For calls.S. */
	__asm__ volatile(".globl host_co_error\n\t"
			 ".set host_co_error, %c0"
			 :
			 : "i"(offsetof(struct co, error)));
}

void host_library_ends(void)
{
	if (thread_errno() == NO_ERRNO)
		return;
	arch_current()->error = thread_errno();
	set_thread_errno(NO_ERRNO);
}

void host_library_begins(void)
{
	host_library_ends();
	set_thread_errno(arch_current()->error);
}

int *host_errno(void)
{
	host_library_ends();
	return &arch_current()->error;
}

/* What was compiled elsewhere. */
int *__wrap___errno_location(void)
{
	return host_errno();
}
