/* <netdb.h>: names to addresses, by DNS (resolve.c), and addresses to text. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <lwip/netif.h>

#include "debug/print.h"
#include "kernel/heap.h"
#include "net/socket.h"

enum { MOST_ADDRESSES = 2 }; /* one of each family */

/* ---- Queries -------------------------------------------------------------------------------- */

/* IPv6 leads somewhere: there is an address beyond this link. */
static bool has_ipv6(void)
{
	const struct netif *netif;
	bool found = false;

	net_lock();
	NETIF_FOREACH(netif)
	{
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
			if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
			    !ip6_addr_islinklocal(netif_ip6_addr(netif, i)) &&
			    !ip6_addr_isloopback(netif_ip6_addr(netif, i)))
				found = true;
	}
	net_unlock();
	return found;
}

/* IPv4 addresses are wanted too, as IPv6 addresses. */
static bool wants_mapped(const struct addrinfo *hints)
{
	return hints->ai_family == AF_INET6 && hints->ai_flags & AI_V4MAPPED;
}

static bool wants(const struct addrinfo *hints, int family)
{
	return hints->ai_family == AF_UNSPEC || hints->ai_family == family;
}

/* Asks for the address of a family: how many are found after that. Of several failures the one that
 * may pass stays in *error. */
static int query(const char *name, int family, ip_addr_t *found, int n, int *error)
{
	int result = resolve(name, family, &found[n]);

	if (result && *error != EAI_AGAIN)
		*error = result;
	return result ? n : n + 1;
}

static int ask_for(const char *name, const struct addrinfo *hints, ip_addr_t *found)
{
	int n = 0, error = EAI_NONAME;

	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (!net_up()) {
		errno = ENETDOWN;
		return EAI_SYSTEM;
	}
	if (wants(hints, AF_INET))
		n = query(name, AF_INET, found, n, &error);
	if (hints->ai_family == AF_INET6 || (hints->ai_family == AF_UNSPEC && has_ipv6()))
		n = query(name, AF_INET6, found, n, &error);
	if (wants_mapped(hints) && (n == 0 || hints->ai_flags & AI_ALL))
		n = query(name, AF_INET, found, n, &error);
	return n ? n : error;
}

/* ---- What needs no query -------------------------------------------------------------------- */

static bool numeric(const char *name, ip_addr_t *address)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_aton(name, &in)) {
		ip_addr_set_ip4_u32(address, in.s_addr);
		return true;
	}
	if (inet_pton(AF_INET6, name, &in6) == 1) {
		const uint32_t *words = in6.s6_in.s6_words;

		IP_ADDR6(address, words[0], words[1], words[2], words[3]);
		return true;
	}
	/* Of this link: an address, and the interface's number. */
	return strchr(name, '%') && ipaddr_aton(name, address);
}

/* The same for both families: this machine's, or any. */
static int own(const struct addrinfo *hints, bool any, ip_addr_t *found)
{
	int n = 0;

	if (wants(hints, AF_INET)) {
		ip_addr_set_ip4_u32(&found[n], any ? 0 : PP_HTONL(INADDR_LOOPBACK));
		n++;
	}
	if (wants(hints, AF_INET6)) {
		IP_ADDR6(&found[n], 0, 0, 0, any ? 0 : PP_HTONL(1));
		n++;
	}
	return n;
}

/* The addresses of name; how many, or EAI_... */
static int find_addresses(const char *name, const struct addrinfo *hints, ip_addr_t *found)
{
	if (!name)
		return own(hints, hints->ai_flags & AI_PASSIVE, found);
	if (numeric(name, found))
		return wants(hints, IP_IS_V4(found) ? AF_INET : AF_INET6) ||
				       (IP_IS_V4(found) && wants_mapped(hints))
			       ? 1
			       : EAI_NONAME;
	if (!strcasecmp(name, "localhost") && !(hints->ai_flags & AI_NUMERICHOST))
		return own(hints, false, found);
	return ask_for(name, hints, found);
}

static int find_port(const char *service, int flags)
{
	static const struct {
		const char *name;
		int port;
	} known[] = {{"echo", 7}, {"ssh", 22}, {"domain", 53}, {"http", 80}, {"https", 443}};
	char *end;
	unsigned long port;

	if (!service)
		return 0;
	port = strtoul(service, &end, 10);
	if (end != service && *end == '\0')
		return port <= 0xffff ? (int)port : EAI_SERVICE;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, service) && !(flags & AI_NUMERICSERV))
			return known[i].port;
	return flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE;
}

/* ---- The calls ------------------------------------------------------------------------------ */

struct answer {
	struct addrinfo info; /* first */
	struct sockaddr_storage address;
	char name[];
};

static struct addrinfo *answer_with(const struct addrinfo *hints, const ip_addr_t *address,
				    uint16_t port, int type, const char *name)
{
	size_t size = name ? strlen(name) + 1 : 0;
	struct answer *a = heap_alloc(sizeof(*a) + size);
	socklen_t address_size = sizeof(a->address);
	int family = IP_IS_V4(address) && hints->ai_family != AF_INET6 ? AF_INET : AF_INET6;

	if (!a)
		return NULL;
	address_put(family, address, port, (struct sockaddr *)&a->address, &address_size);
	a->info = (struct addrinfo){
		.ai_family = family,
		.ai_socktype = type,
		.ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP,
		.ai_addrlen = address_size,
		.ai_addr = (struct sockaddr *)&a->address,
		.ai_canonname = name ? memcpy(a->name, name, size) : NULL,
	};
	return &a->info;
}

/* Is a socket of this type of the protocol that hints want? */
static bool fits(const struct addrinfo *hints, int type)
{
	int protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;

	return (!hints->ai_socktype || hints->ai_socktype == type) &&
	       (!hints->ai_protocol || hints->ai_protocol == protocol);
}

static int check_hints(const struct addrinfo *hints, const char *name)
{
	enum {
		FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL |
			AI_ADDRCONFIG | AI_NUMERICSERV
	};

	if (hints->ai_flags & ~FLAGS || (hints->ai_flags & AI_CANONNAME && !name))
		return EAI_BADFLAGS;
	if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
	    hints->ai_family != AF_INET6)
		return EAI_FAMILY;
	if (hints->ai_socktype && hints->ai_socktype != SOCK_STREAM &&
	    hints->ai_socktype != SOCK_DGRAM)
		return EAI_SOCKTYPE;
	if (!fits(hints, SOCK_STREAM) && !fits(hints, SOCK_DGRAM))
		return hints->ai_socktype ? EAI_SOCKTYPE : EAI_SERVICE;
	return 0;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	static const struct addrinfo none;
	ip_addr_t found[MOST_ADDRESSES];
	struct addrinfo *first = NULL;
	const char *canonical = NULL;
	int n, port;

	hints = hints ? hints : &none;
	if (!name && !service)
		return EAI_NONAME;
	n = check_hints(hints, name);
	if (n)
		return n;
	port = find_port(service, hints->ai_flags);
	if (port < 0)
		return port;
	net_start();
	n = find_addresses(name, hints, found);
	if (n < 0)
		return n;
	if (hints->ai_flags & AI_CANONNAME)
		canonical = name;
	*list = NULL;
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 2; k++) {
			if (!fits(hints, types[k]))
				continue;
			*list = answer_with(hints, &found[i], (uint16_t)port, types[k], canonical);
			if (!*list) {
				freeaddrinfo(first);
				return EAI_MEMORY;
			}
			if (!first)
				first = *list;
			list = &(*list)->ai_next;
			canonical = NULL; /* only in the first */
		}
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	struct addrinfo *next;

	for (; list; list = next) {
		next = list->ai_next;
		heap_free(list);
	}
}

const char *gai_strerror(int error)
{
	switch (error) {
	case 0:
		return "success";
	case EAI_BADFLAGS:
		return "flags that do not go together";
	case EAI_NONAME:
		return "no such name";
	case EAI_AGAIN:
		return "no answer from a name server";
	case EAI_FAMILY:
		return "no such address family";
	case EAI_SOCKTYPE:
		return "no such type of socket";
	case EAI_SERVICE:
		return "no such service";
	case EAI_MEMORY:
		return "no memory";
	case EAI_SYSTEM:
		return "see errno";
	case EAI_OVERFLOW:
		return "too little room for the answer";
	default:
		return "failure";
	}
}

static int host_text(const struct sockaddr *address, socklen_t size, char *host, socklen_t room)
{
	const void *bytes;

	if (address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in))
		bytes = &((const struct sockaddr_in *)address)->sin_addr;
	else if (address->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6))
		bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
	else
		return EAI_FAMILY;
	return !host || !room || inet_ntop(address->sa_family, bytes, host, room) ? 0
										  : EAI_OVERFLOW;
}

/* There are no names for addresses here: numbers. */
int getnameinfo(const struct sockaddr *restrict address, socklen_t size, char *restrict host,
		socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
	int error;

	if (!address || size < sizeof(address->sa_family))
		return EAI_FAMILY;
	if (flags & NI_NAMEREQD)
		return EAI_NONAME;
	error = host_text(address, size, host, host_size);
	if (!error && service && service_size) {
		/* The port is at the same place in both families. */
		unsigned port = ntohs(((const struct sockaddr_in *)address)->sin_port);

		if (format(service, service_size, "%u", port) >= (int)service_size)
			error = EAI_OVERFLOW;
	}
	return error;
}
