/* Addresses: POSIX's structures, lwIP's. IPv4 in an IPv6 socket is a mapped address. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <lwip/ip.h>
#include <lwip/netif.h>

#include "net/socket.h"

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

static void get6(const struct sockaddr_in6 *address, ip_addr_t *ip)
{
	const uint32_t *words = address->sin6_addr.s6_in.s6_words;

	if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
		ip_addr_set_ip4_u32(ip, words[3]);
		return;
	}
	IP_ADDR6(ip, words[0], words[1], words[2], words[3]);
	if (ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN))
		ip6_addr_set_zone(ip_2_ip6(ip), (uint8_t)address->sin6_scope_id);
}

int address_get(int family, const struct sockaddr *address, socklen_t size, ip_addr_t *ip,
		uint16_t *port)
{
	if (!address || size < sizeof(address->sa_family))
		return -EINVAL;
	if (address->sa_family != family)
		return -EAFNOSUPPORT;
	if (family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		if (size < sizeof(*in))
			return -EINVAL;
		ip_addr_set_ip4_u32(ip, in->sin_addr.s_addr);
		*port = ntohs(in->sin_port);
		return 0;
	}

	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (size < sizeof(*in6))
		return -EINVAL;
	get6(in6, ip);
	*port = ntohs(in6->sin6_port);
	return 0;
}

void address_put(int family, const ip_addr_t *ip, uint16_t port, struct sockaddr *address,
		 socklen_t *size)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} whole = {0};
	socklen_t whole_size = family == AF_INET ? sizeof(whole.in) : sizeof(whole.in6);

	if (!address || !size)
		return;
	whole.in.sin_family = (sa_family_t)family;
	whole.in.sin_port = htons(port); /* at the same place in both */
	if (family == AF_INET) {
		whole.in.sin_addr.s_addr = IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : 0;
	} else if (IP_IS_V4(ip)) {
		whole.in6.sin6_addr.s6_in.s6_words[2] = htonl(0xffff);
		whole.in6.sin6_addr.s6_in.s6_words[3] = ip_2_ip4(ip)->addr;
	} else {
		memcpy(&whole.in6.sin6_addr, ip_2_ip6(ip)->addr, 16);
		whole.in6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
	}
	memcpy(address, &whole, *size < whole_size ? *size : whole_size);
	*size = whole_size;
}

static const ip_addr_t loopback4 = IPADDR4_INIT_BYTES(127, 0, 0, 1);
static const ip_addr_t loopback6 = IPADDR6_INIT(0, 0, 0, PP_HTONL(1));

const ip_addr_t *address_to(const ip_addr_t *address, const ip_addr_t *own)
{
	if (!ip_addr_isany(address))
		return address;
	if (!ip_addr_isany(own) && IP_IS_V4(own) == IP_IS_V4(address))
		return own;
	return IP_IS_V4(address) ? &loopback4 : &loopback6;
}

const ip_addr_t *address_from(struct netif *netif, const ip_addr_t *address)
{
	/* The loopback interface has whatever address of 127/8 something was last sent to. */
	if (IP_IS_V4(address) && ip_addr_isloopback(address))
		return &loopback4;
	return ip_netif_get_local_ip(netif, address);
}

bool address_is_own(const ip_addr_t *ip)
{
	const struct netif *netif;

	if (ip_addr_isany(ip) || ip_addr_isloopback(ip))
		return true;
	NETIF_FOREACH(netif)
	{
		if (IP_IS_V4(ip)
			    ? ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(netif))
			    : netif_get_ip6_addr_match((struct netif *)netif, ip_2_ip6(ip)) >= 0)
			return true;
	}
	return false;
}
