/* <atomic> waits and wakes by a call of Linux, which would hold up a core. From where it calls, this one
 * is found first (libc/cxx/support.cc): it has coroutines wait. */
#ifndef VOLE_SYSCALL_H
#define VOLE_SYSCALL_H

#if __has_include_next(<syscall.h>)
#include_next <syscall.h>
#else
enum { SYS_futex };
#endif

namespace std
{
namespace __detail
{
long syscall(long number, const void *word, int what, int value, ...);
}
} // namespace std

#endif
