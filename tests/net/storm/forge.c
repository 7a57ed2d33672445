/*
 * What the far end says. It quotes what the machine has sent, and answers its questions; then something in a packet
 * is changed, in most of them, and the checksums are made right again, in most of them.
 */
#include <string.h>

#include "packet.h"

static uint8_t last[FRAME_MAX]; /* of IP, that the machine has sent */
static size_t last_size;
static uint8_t query[600]; /* the last of DNS, and its port */
static size_t query_size;
static uint16_t query_port;
static uint8_t dhcp_id[4];

static void quoted(size_t least)
{
	size_t n = last_size > 14 ? last_size - 14 : 0;

	n = n > 1200 ? 1200 : n;
	put(last + 14, n);
	if (n < least)
		put_random(least - n);
}

static void message4(void)
{
	static const uint8_t kinds[] = {0, 3, 3, 4, 5, 8, 8, 11, 12, 13, 15, 17};

	ip4(ICMP, 0);
	put8(kinds[dice(sizeof kinds)]);
	put8(chance(50) ? 0 : dice(16));
	put16(0);
	put32(chance(50) ? dice(1600) : dice(0xffffffff));
	quoted(dice(60));
}

static void nd_options(void)
{
	static const uint8_t kinds[] = {1, 2, 3, 4, 5, 14, 24, 25, 31};

	while (chance(70)) {
		unsigned kind = kinds[dice(sizeof kinds)];
		unsigned units = kind == 3 ? 4 : kind == 25 ? 1 + 2 * dice(4) : 1 + dice(3);
		size_t end = at + 8 * units;

		put8(kind);
		put8(chance(90) ? units : dice(256));
		if (kind == 3) {
			put8(chance(80) ? 64 : dice(256));
			put8(dice(256));
			put32(chance(50) ? dice(10) : 0xffffffff - dice(2));
			put32(chance(50) ? dice(10) : 0xffffffff);
			put32(0);
			put16(chance(80) ? 0xfd00 + dice(20) : dice(65536));
			put32(0);
			put16(0);
		} else if (kind == 5) {
			put16(0);
			put32(chance(50) ? dice(70000) : dice(0xffffffff));
		} else if (kind < 3) {
			put(host_mac, 5);
			put8(dice(256));
		}
		if (at < end)
			put_random(end - at);
	}
}

static void message6(void)
{
	static const uint8_t kinds[] = {1,   2,   2,   3,   4,   128, 129, 130, 131, 132,
					133, 134, 134, 134, 135, 135, 136, 136, 137, 143};
	unsigned kind = kinds[dice(sizeof kinds)];

	ip6(ICMP6);
	extensions(ICMP6);
	put8(kind);
	put8(chance(80) ? 0 : dice(8));
	put16(0);
	if (kind == 134) {
		put8(64);
		put8(dice(256));
		put16(chance(50) ? 0 : dice(65536));
		put32(dice(2) * 1000);
		put32(dice(2) * 1000);
	} else if (kind >= 135 && kind <= 137) {
		put32(kind == 136 ? dice(8) << 29 : 0);
		put(chance(50) ? our_link_local : host_link_local, 16);
		if (chance(30))
			f[at - 1] = (uint8_t)dice(256);
		if (kind == 137)
			put(chance(50) ? host_link_local : our_link_local, 16);
	} else if (kind < 5) {
		put32(chance(70) ? 1200 + dice(400) : dice(0xffffffff));
		quoted(dice(60));
		return;
	} else {
		put32(dice(0xffffffff));
		put_random(dice(40));
	}
	nd_options();
}

static void to_port(void)
{
	static const uint16_t ports[] = {9, 53, 67, 68, 80, 546, 547, 5353};
	bool six = chance(50);
	size_t n = dice(400);

	if (six) {
		ip6(UDP);
		extensions(UDP);
	} else {
		ip4(UDP, 0);
	}
	put16(chance(50) ? 53 : 67);
	put16(ports[dice(8)]);
	put16(chance(95) ? 8 + n : dice(65536));
	put16(0);
	put_random(n);
}

static void dns_answer(void)
{
	size_t question = 12;

	if (query_size < 17)
		return;
	ip4(UDP, 0);
	put16(53);
	put16(query_port);
	size_t size_at = at;

	put16(0);
	put16(0);
	put(query, 2);
	put16(chance(80) ? 0x8180 : dice(65536));
	put16(1);
	put16(1 + dice(3));
	put32(dice(2));
	while (question < query_size && query[question])
		question += 1u + query[question];
	question = question + 5 < query_size ? question + 5 : query_size;
	put(query + 12, question - 12);
	while (chance(70)) {
		put16(chance(70) ? 0xc00c : 0xc000 + dice(600));
		put16(chance(60) ? 1 : chance(50) ? 28 : 5);
		put16(1);
		put32(dice(3));
		unsigned n = chance(60) ? 4 : chance(50) ? 16 : dice(40);

		put16(chance(90) ? n : dice(65536));
		put_random(n);
	}
	f[size_at] = (uint8_t)((at - size_at + 4) >> 8);
	f[size_at + 1] = (uint8_t)(at - size_at + 4);
}

static void dhcp_answer(void)
{
	static const uint8_t kinds[] = {1, 3, 6, 12, 15, 51, 52, 53, 54, 58, 59, 255, 0};
	size_t n = 0;

	ip4(UDP, 0);
	put16(67);
	put16(68);
	size_t size_at = at;

	put16(0);
	put16(0);
	put32(0x02010600);
	put(dhcp_id, 4);
	put32(0);
	put32(0);
	put32(chance(90) ? ADDRESS4 : dice(0xffffffff));
	put32(HOST4);
	put32(0);
	put(our_mac, 6);
	for (n = 0; n < 202; n++)
		put8(chance(97) ? 0 : dice(256));
	put32(0x63825363);
	put8(53);
	put8(1);
	put8(chance(40) ? 2 : chance(60) ? 5 : 6);
	put8(54);
	put8(4);
	put32(HOST4);
	while (chance(80)) {
		unsigned kind = kinds[dice(sizeof kinds)], size = chance(70) ? 4 : dice(20);

		put8(kind);
		put8(chance(90) ? size : dice(256));
		if (kind == 51 || kind == 58 || kind == 59)
			put32(dice(5));
		else if (size == 4 && chance(80))
			put32(kind == 1 ? 0xffffff00 : HOST4);
		else
			put_random(size);
	}
	if (chance(80))
		put8(255);
	f[size_at] = (uint8_t)((at - size_at + 4) >> 8);
	f[size_at + 1] = (uint8_t)(at - size_at + 4);
}

static void piece(void)
{
	static const uint8_t kinds[] = {TCP, UDP, ICMP, IGMP, ICMP6, FRAGMENT};
	size_t n = chance(50) ? 8 * (1 + dice(100)) : 1 + dice(1400),
	       from = chance(70) ? 8 * dice(40) : 8 * dice(8192);

	if (chance(50)) {
		ip4(kinds[dice(3)], (unsigned)(from / 8) | (chance(70) ? 0x2000 : 0) |
					    1 * (from == 0 && chance(5)));
	} else {
		ip6(FRAGMENT);
		put8(kinds[dice(sizeof kinds)]);
		put8(0);
		put16((unsigned)from | chance(70));
		put32(dice(4));
	}
	if (from == 0 && chance(70)) {
		put16(53);
		put16(80);
		put16(n);
		put16(0);
		n = n > 8 ? n - 8 : 0;
	}
	put_random(n);
}

/* A datagram of IPv6 in all its pieces, each once: small, or as large as one can be, or a bit larger; headers
 * may be before the fragment's, or in what is fragmented. */
static void all_pieces(void)
{
	static const uint8_t kinds[] = {UDP, UDP, TCP, ICMP6, OPTIONS, FRAGMENT, ROUTING};
	unsigned first = kinds[dice(sizeof kinds)], before = chance(20) ? 1 + dice(2) : 0;
	size_t all = chance(85) ? 9 + dice(3000) : 65535 - dice(60);
	size_t size = chance(50) && all < 3000 ? 8 * (1 + dice(20)) : 1400,
	       n = (all + size - 1) / size;
	uint32_t ident = dice(0xffffffff), back = chance(30), inner = dice(4);

	for (size_t i = 0; i < n; i++) {
		size_t k = back ? n - 1 - i : i, from = k * size,
		       end = from + size < all ? from + size : all;

		ip6(before ? OPTIONS : FRAGMENT);
		for (unsigned header = 1; header <= before; header++) {
			put16(header < before ? OPTIONS << 8 : FRAGMENT << 8);
			put16(0x0104);
			put32(0);
		}
		put16(first << 8);
		put16((unsigned)from | (end < all));
		put32(ident);
		if (from == 0) { /* also a header, if it is taken for one */
			put8(inner == 0 ? FRAGMENT : inner == 1 ? UDP : OPTIONS);
			put8(0);
			put16(inner == 2 ? 80 : dice(65536));
			put16(all > 0xffff ? 0 : all);
			put16(0);
			from += 8;
		}
		while (from < end) {
			put8((unsigned)from);
			from++;
		}
		with_sums();
		card_deliver(f, at);
	}
	at = 0;
}

static void address_message(void)
{
	ethernet(0x0806);
	put32(0x00010800);
	put16(0x0604);
	put16(chance(50) ? 1 : chance(90) ? 2 : dice(65536));
	put(host_mac, 6);
	put32(chance(70) ? HOST4 : HOST4 + dice(256));
	put(our_mac, 6);
	put32(chance(80) ? ADDRESS4 : HOST4 + dice(256));
}

static void listener_message(void)
{
	if (chance(50)) {
		ip4(IGMP, 0);
		put8(0x11 + dice(7));
		put8(dice(256));
		put16(0);
		put32(chance(50) ? 0 : 0xe0000001);
		return;
	}
	ip6(ICMP6);
	put8(130 + dice(3));
	put8(0);
	put16(0);
	put16(dice(65536));
	put16(0);
	put32(chance(50) ? 0 : 0xff020000);
	put32(0);
	put32(1);
	put32(dice(2) ? 0xff000000 + dice(0xffffff) : 0);
}

/* ---- All together --------------------------------------------------------------------------- */

static void change(void)
{
	for (unsigned n = chance(60) ? 0 : 1 + dice(4); n > 0; n--) {
		size_t where = 12 + dice(chance(80) ? 60 : (uint32_t)(at > 12 ? at - 12 : 1));

		if (where >= at)
			continue;
		f[where] = (uint8_t)(chance(40)   ? f[where] ^ 1u << dice(8)
				     : chance(40) ? dice(256)
						  : dice(2) * 255);
	}
	if (chance(5))
		at = 14 + dice((uint32_t)(at - 13));
	else if (chance(3))
		put_random(dice(60));
}

/* The same in fragments, some of which may be missing, twice, or in another order. */
static void in_fragments(void)
{
	uint8_t whole[PACKET_MAX];
	size_t all = at, size = 8 * (1 + dice(60)), n = (all - 34 + size - 1) / size;
	unsigned ident = dice(65536);

	if (get16(f + 12) != 0x0800 || all <= 34 || (f[14] & 15) != 5)
		return;
	memcpy(whole, f, all);
	for (size_t i = 0; i < n; i++) {
		size_t k = chance(80) ? i : dice((uint32_t)n), from = k * size;

		at = 34;
		memcpy(f, whole, 34);
		put(whole + 34 + from, all - 34 - from < size ? all - 34 - from : size);
		f[18] = (uint8_t)(ident >> 8);
		f[19] = (uint8_t)ident;
		f[20] = (uint8_t)((from / 8) >> 8 | (from + size < all - 34 ? 0x20 : 0));
		f[21] = (uint8_t)(from / 8);
		with_sums();
		if (chance(95))
			card_deliver(f, at);
	}
}

void forge_one(void)
{
	static void (*const kinds[])(void) = {segment,         segment, segment,    segment,
					      segment,         segment, message4,   message6,
					      message6,        to_port, dns_answer, dhcp_answer,
					      piece,           piece,   all_pieces, address_message,
					      listener_message};

	at = 0;
	kinds[dice(sizeof kinds / sizeof kinds[0])]();
	if (at < 14)
		return;
	bool good = chance(95);

	if (good)
		with_sums();
	if (chance(60))
		change();
	if (chance(90))
		with_sums();
	if (chance(10))
		in_fragments();
	else if (at <= FRAME_MAX)
		card_deliver(f, at);
}

/* Who asks for an address mostly hears that it is here. */
static void hear_question(const uint8_t *frame, size_t size)
{
	if (get16(frame + 12) == 0x0806 && size >= 42 && frame[21] == 1 && chance(80)) {
		ethernet(0x0806);
		put32(0x00010800);
		put32(0x06040002);
		put(host_mac, 6);
		put(frame + 38, 4);
		put(our_mac, 6);
		put(frame + 28, 4);
		card_deliver(f, at);
	} else if (get16(frame + 12) == 0x86dd && size >= 78 && frame[20] == ICMP6 &&
		   frame[54] == 135 && chance(80)) {
		ip6(ICMP6);
		memcpy(f + 22, frame + 62, 16);
		put32(0x88000000);
		put32(0x60000000);
		put(frame + 62, 16);
		put16(0x0201);
		put(host_mac, 6);
		with_sums();
		card_deliver(f, at);
	}
}

void forge_hear(const uint8_t *frame, size_t size)
{
	if (size < 34)
		return;
	hear_question(frame, size);
	if (get16(frame + 12) == 0x0800) {
		size_t start = 14 + (frame[14] & 15u) * 4;

		memcpy(last, frame, size);
		last_size = size;
		if (frame[23] == TCP && size > start)
			hear_segment(frame + start, size - start, false);
		if (frame[23] == UDP && size > start + 8 + 8) {
			if (get16(frame + start + 2) == 67)
				memcpy(dhcp_id, frame + start + 12, 4);
			if (get16(frame + start + 2) == 53 && size - start - 8 <= sizeof query) {
				query_size = size - start - 8;
				memcpy(query, frame + start + 8, query_size);
				query_port = (uint16_t)get16(frame + start);
			}
		}
	} else if (get16(frame + 12) == 0x86dd && size > 54) {
		memcpy(last, frame, size);
		last_size = size;
		if (frame[20] == TCP)
			hear_segment(frame + 54, size - 54, true);
	}
}
