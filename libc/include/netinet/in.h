/* Internet addresses. */
#ifndef _NETINET_IN_H
#define _NETINET_IN_H

#include <inttypes.h>
#include <machine/endian.h>
#include <stdint.h>
#include <sys/socket.h>

typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;

/* Ports and addresses are in network byte order. */
struct in_addr {
	in_addr_t s_addr;
};

struct in6_addr {
	union {
		uint8_t s6_bytes[16];
		uint32_t s6_words[4];
	} s6_in;
};
#define s6_addr s6_in.s6_bytes

struct sockaddr_in {
	sa_family_t sin_family;
	in_port_t sin_port;
	struct in_addr sin_addr;
	uint8_t sin_zero[8];
};

struct sockaddr_in6 {
	sa_family_t sin6_family;
	in_port_t sin6_port;
	uint32_t sin6_flowinfo;
	struct in6_addr sin6_addr;
	uint32_t sin6_scope_id;
};

#define IPPROTO_IP     0
#define IPPROTO_ICMP   1
#define IPPROTO_TCP    6
#define IPPROTO_UDP    17
#define IPPROTO_IPV6   41
#define IPPROTO_RAW    255
#define IPPROTO_ICMPV6 58

#define INADDR_ANY       ((in_addr_t)0x00000000)
#define INADDR_BROADCAST ((in_addr_t)0xffffffff)
#define INADDR_NONE      ((in_addr_t)0xffffffff)
#define INADDR_LOOPBACK  ((in_addr_t)0x7f000001)

#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

#ifdef __cplusplus
extern "C" {
#endif
extern const struct in6_addr in6addr_any, in6addr_loopback;
#ifdef __cplusplus
}
#endif

#define IN6ADDR_ANY_INIT \
	{ \
		{ \
			{ \
				0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
			} \
		} \
	}
#define IN6ADDR_LOOPBACK_INIT \
	{ \
		{ \
			{ \
				0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 \
			} \
		} \
	}

#define IN6_WORD(a, i) (((const struct in6_addr *)(a))->s6_in.s6_words[i])
#define IN6_IS_ADDR_UNSPECIFIED(a) \
	(!IN6_WORD(a, 0) && !IN6_WORD(a, 1) && !IN6_WORD(a, 2) && !IN6_WORD(a, 3))
#define IN6_IS_ADDR_LOOPBACK(a) \
	(!IN6_WORD(a, 0) && !IN6_WORD(a, 1) && !IN6_WORD(a, 2) && IN6_WORD(a, 3) == htonl(1))
#define IN6_IS_ADDR_V4MAPPED(a) \
	(!IN6_WORD(a, 0) && !IN6_WORD(a, 1) && IN6_WORD(a, 2) == htonl(0xffff))
#define IN6_IS_ADDR_MULTICAST(a) (((const struct in6_addr *)(a))->s6_addr[0] == 0xff)
#define IN6_IS_ADDR_LINKLOCAL(a) ((IN6_WORD(a, 0) & htonl(0xffc00000)) == htonl(0xfe800000))

/* Options of IPPROTO_IP and IPPROTO_IPV6. */
#define IP_TOS            1
#define IP_TTL            2
#define IPV6_UNICAST_HOPS 16
#define IPV6_V6ONLY       26

#define htons(n) __htons(n)
#define ntohs(n) __ntohs(n)
#define htonl(n) __htonl(n)
#define ntohl(n) __ntohl(n)

#endif
