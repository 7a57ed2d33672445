/* What lwIP asks of a compiler and a system, for its own files as for ours. */
#ifndef NET_PORT_ARCH_CC_H
#define NET_PORT_ARCH_CC_H

#include <machine/endian.h>
#include <sys/types.h>

/* lwIP takes a system without SSIZE_MAX for one without ssize_t. */
#ifndef SSIZE_MAX
#define SSIZE_MAX __LONG_MAX__
#endif

_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define LWIP_PLATFORM_DIAG(text)   ((void)0)
#define LWIP_PLATFORM_ASSERT(what) panic("lwIP: %s (%s:%d)", what, __FILE__, __LINE__)
#define LWIP_ERRNO_STDINCLUDE      1
#define LWIP_TIMEVAL_PRIVATE       0
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS

#define lwip_htons(n) __builtin_bswap16(n)
#define lwip_ntohs(n) __builtin_bswap16(n)
#define lwip_htonl(n) __builtin_bswap32(n)
#define lwip_ntohl(n) __builtin_bswap32(n)

/* One of lwIP's files says so for lwip_htonl. As in <netinet/in.h>. */
#define htonl(n) __htonl(n)

uint32_t net_random(void);
#define LWIP_RAND() net_random()

#endif
