/* errno, for programs and the kernel on this port: the coroutine's (arch/host/errno.c). Not the
 * library's macro, for compilers keep what that gives: the place of the thread's. */
#include_next <errno.h>

#ifndef HOST_ERRNO_H
#define HOST_ERRNO_H

#ifdef __cplusplus
extern "C" {
#endif

int *host_errno(void);

#ifdef __cplusplus
}
#endif

#undef errno
#define errno (*host_errno())

#endif
