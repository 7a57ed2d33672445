/* Numbers that others cannot guess, for ports, identifiers and sequence numbers. */
#include <string.h>

#include <lwip/ip_addr.h>

#include "arch/arch.h"
#include "drivers/random.h"
#include "net/net.h"

/* Set by net_random_start, constant after. */
static uint64_t secret[2];

void net_random_start(void)
{
	random_fill(secret, sizeof(secret));
}

uint32_t net_random(void)
{
	uint32_t n;

	random_fill(&n, sizeof(n));
	return n;
}

static uint64_t rotate_left(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void mix(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate_left(v[1], 13) ^ v[0], v[0] = rotate_left(v[0], 32);
	v[2] += v[3], v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate_left(v[1], 17) ^ v[2], v[2] = rotate_left(v[2], 32);
}

/* Of a pair of ends, with the secret: Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012. */
static uint32_t hash_of(const void *local_ip, uint16_t local_port, const void *remote_ip,
			uint16_t remote_port)
{
	enum { WORDS = 2 * sizeof(ip_addr_t) / sizeof(uint64_t) + 2 };
	uint64_t words[WORDS] = {0};
	uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
			 secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
	ip_addr_t ends[2];

	/* Not as they are: of an IPv4 address only a part has been written. */
	memset(ends, 0, sizeof(ends));
	ip_addr_copy(ends[0], *(const ip_addr_t *)local_ip);
	ip_addr_copy(ends[1], *(const ip_addr_t *)remote_ip);
	memcpy(words, ends, sizeof(ends));
	words[WORDS - 1] = (uint64_t)sizeof(words) << 56 | (uint64_t)local_port << 16 | remote_port;
	for (size_t i = 0; i < WORDS; i++) {
		v[3] ^= words[i];
		mix(v);
		mix(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
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
