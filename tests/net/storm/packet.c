#include "packet.h"

uint8_t f[PACKET_MAX];
size_t at;

void put8(unsigned v)
{
	if (at < PACKET_MAX)
		f[at++] = (uint8_t)v;
}

void put16(unsigned v)
{
	put8(v >> 8);
	put8(v);
}

void put32(uint32_t v)
{
	put16(v >> 16);
	put16(v);
}

void put(const void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(((const uint8_t *)data)[i]);
}

void put_random(size_t n)
{
	while (n-- > 0)
		put8(dice(256));
}

uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* ---- Headers -------------------------------------------------------------------------------- */

void ethernet(unsigned type)
{
	at = 0;
	put(chance(95) ? our_mac : (const uint8_t *)"\xff\xff\xff\xff\xff\xff", 6);
	put(host_mac, 6);
	put16(type);
}

void ip4(unsigned protocol, unsigned fragment)
{
	unsigned options = chance(5) ? 4 * (1 + dice(10)) : 0;

	ethernet(0x0800);
	put8(0x45 + options / 4);
	put8(0);
	put16(0); /* the size comes last */
	put16(fragment ? dice(4) : dice(65536));
	put16(fragment);
	put8(64);
	put8(protocol);
	put16(0);
	put32(chance(95) ? HOST4 : HOST4 + dice(200));
	put32(chance(95) ? ADDRESS4 : chance(50) ? 0xffffffff : 0xe0000001);
	put_random(options);
}

void ip6(unsigned protocol)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};

	ethernet(0x86dd);
	put32(6u << 28);
	put16(0);
	put8(protocol);
	put8(255);
	put(host_link_local, 16);
	if (chance(5))
		f[at - 1] = (uint8_t)dice(256);
	put(chance(90) ? our_link_local : all_nodes, 16);
}

void extensions(unsigned protocol)
{
	static const uint8_t kinds[] = {HOP_BY_HOP, ROUTING, OPTIONS, OPTIONS, FRAGMENT};
	size_t kind_at = 20;

	while (chance(8)) {
		unsigned kind = kinds[dice(5)], units = chance(80) ? 0 : dice(4);

		f[kind_at] = (uint8_t)kind;
		kind_at = at;
		put8(protocol);
		put8(kind == FRAGMENT ? 0 : units);
		if (kind == FRAGMENT) {
			put16(chance(70) ? 0 : dice(65536));
			put32(dice(4));
		} else if (kind == ROUTING) {
			put8(dice(4));
			put8(dice(3));
			put_random(4 + 8 * units);
		} else {
			put8(chance(70) ? 1 : dice(256));
			put8(chance(70) ? 4 + 8 * units : dice(256));
			put_random(4 + 8 * units);
		}
	}
}

void with_sums(void)
{
	size_t end = at, start;

	if (get16(f + 12) == 0x0800 && end >= 34) {
		start = 14 + (f[14] & 15u) * 4;
		f[16] = (uint8_t)((end - 14) >> 8);
		f[17] = (uint8_t)(end - 14);
		f[24] = f[25] = 0;
		if (start <= end) {
			uint16_t s = folded(sum(f + 14, start - 14, 0));

			f[24] = (uint8_t)(s >> 8);
			f[25] = (uint8_t)s;
		}
		if (f[20] & 0x3f || f[21]) /* a fragment's is nobody's */
			return;
		size_t where = f[23] == TCP ? 16 : f[23] == UDP ? 6 : 2;

		if (start + where + 2 > end)
			return;
		f[start + where] = f[start + where + 1] = 0;
		if (f[23] == UDP)
			return;
		uint32_t s = f[23] == TCP ? sum(f + 26, 8, TCP + (uint32_t)(end - start)) : 0;
		uint16_t all = folded(sum(f + start, end - start, s));

		f[start + where] = (uint8_t)(all >> 8);
		f[start + where + 1] = (uint8_t)all;
	} else if (get16(f + 12) == 0x86dd && end >= 54) {
		unsigned kind = f[20];

		f[18] = (uint8_t)((end - 54) >> 8);
		f[19] = (uint8_t)(end - 54);
		for (start = 54; start + 8 <= end && (kind == HOP_BY_HOP || kind == ROUTING ||
						      kind == OPTIONS || kind == FRAGMENT);) {
			unsigned next = f[start];

			start += kind == FRAGMENT ? 8 : 8 * (1u + f[start + 1]);
			kind = next;
		}
		size_t where = kind == TCP ? 16 : kind == UDP ? 6 : 2;

		if (start + where + 2 > end)
			return;
		f[start + where] = f[start + where + 1] = 0;
		uint16_t all = folded(sum(f + start, end - start,
					  sum(f + 22, 32, kind + (uint32_t)(end - start))));

		f[start + where] = (uint8_t)(all >> 8);
		f[start + where + 1] = (uint8_t)all;
	}
}
