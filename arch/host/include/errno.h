/*
 * errno, for programs and the kernel on this port: the C library's own, which is the thread's, but
 * by its place from the FS base, in one instruction. The library's header lets the compiler keep the
 * address for as long as a function runs, and a coroutine may be in another thread by then.
 */
#include_next <errno.h>

#ifndef HOST_ERRNO_H
#define HOST_ERRNO_H

extern unsigned long host_errno_offset;

#undef errno
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || defined __cplusplus
/* C++ has no segments, and GCC 12's sanitizers take an address in one for memory (its bug 111736). */
static inline int *host_errno(void)
{
	unsigned long fs; /* 0x0: arch/host/assemble lets it be */

	__asm__ volatile("movq %%fs:0x0, %0" : "=r"(fs));
	return (int *)(fs + host_errno_offset);
}
#define errno (*host_errno())
#else
#define errno (*(__seg_fs int *)host_errno_offset)
#endif

#endif
