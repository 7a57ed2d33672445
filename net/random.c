/*
 * Numbers that others cannot easily guess, for ports, identifiers and sequence numbers: a mix of the
 * clock at all the times when one was asked for. Not for keys.
 */
#include <string.h>

#include <lwip/ip_addr.h>

#include "arch/arch.h"
#include "net/net.h"

static _Atomic uint64_t state;

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014: the finalizer. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint32_t net_random(void)
{
	uint64_t step = (arch_clock() << 1) | 1;

	return (uint32_t)(mix(atomic_fetch_add_explicit(&state, step, memory_order_relaxed)) >> 32);
}

/* Of a pair of ends, with a secret. */
static uint32_t hash_of(const void *local_ip, uint16_t local_port, const void *remote_ip,
			uint16_t remote_port)
{
	static uint64_t secret;
	uint64_t hash, words[2 * sizeof(ip_addr_t) / sizeof(uint64_t) + 1] = {0};
	ip_addr_t ends[2];

	while (!secret)
		secret = ((uint64_t)net_random() << 32) | net_random();
	/* Not as they are: of an IPv4 address only a part has been written. */
	memset(ends, 0, sizeof(ends));
	ip_addr_copy(ends[0], *(const ip_addr_t *)local_ip);
	ip_addr_copy(ends[1], *(const ip_addr_t *)remote_ip);
	memcpy(words, ends, sizeof(ends));
	hash = mix(secret ^ ((uint64_t)local_port << 16) ^ remote_port);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = mix(hash ^ words[i]);
	return (uint32_t)hash;
}

/* RFC 6528: a clock of 4 us, and a secret for each pair of ends. */
uint32_t net_tcp_isn(const void *local_ip, uint16_t local_port, const void *remote_ip,
		     uint16_t remote_port)
{
	return hash_of(local_ip, local_port, remote_ip, remote_port) +
	       (uint32_t)(arch_clock() / 4096);
}

/* RFC 6056, 3.3.3: in turn, from a place for each other end. So a port comes back late: the other
 * end may still know the connection that had it. */
uint16_t net_next_port(const void *local_ip, const void *remote_ip, uint16_t remote_port)
{
	enum { FIRST = 0xc000, PORTS = 0x4000 };
	static _Atomic uint32_t turn;
	uint32_t place = hash_of(local_ip, 0, remote_ip, remote_port);

	return (uint16_t)(FIRST +
			  (place + atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed)) %
				  PORTS);
}
