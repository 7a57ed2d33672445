/* Connections, which are known well enough to be nearly right. */
#include "packet.h"

enum { FLOWS = 24 };

static struct flow {
	bool six, known;
	uint16_t port, to;
	uint32_t seq, ack;
	uint32_t edge; /* of the machine's window, if it is meant so */
} flows[FLOWS];

static void tcp_options(void)
{
	static const uint8_t known[] = {0, 1, 2, 3, 4, 5, 8};
	uint8_t o[40];
	size_t n = 0;

	while (n < sizeof o - 10 && chance(60)) {
		unsigned kind = chance(90) ? known[dice(sizeof known)] : dice(256);
		unsigned size = kind == 2   ? 4
				: kind == 3 ? 3
				: kind == 4 ? 2
				: kind == 5 ? 10
				: kind == 8 ? 10
					    : 2;

		o[n++] = (uint8_t)kind;
		if (kind < 2)
			continue;
		o[n++] = (uint8_t)(chance(90) ? size : dice(256));
		while (size-- > 2 && n < sizeof o)
			o[n++] = (uint8_t)dice(kind == 2 && size == 3 ? 6 : kind == 3 ? 16 : 256);
	}
	while (n % 4)
		o[n++] = 1;
	put(o, n);
}

static uint32_t offset(void)
{
	static const uint32_t offsets[] = {1,
					   (uint32_t)-1,
					   100,
					   1460,
					   60000,
					   65535,
					   65536,
					   131071,
					   131072,
					   (uint32_t)-65534,
					   (uint32_t)-65535,
					   0x7fffffff,
					   0x80000000};

	return chance(60)   ? 0
	       : chance(90) ? offsets[dice(sizeof offsets / sizeof offsets[0])]
	       : chance(50) ? dice(131072)
			    : dice(0xffffffff);
}

/* So far from where it should be, with so much data. */
void put_segment(const struct flow *w, unsigned flag, uint32_t away, size_t n)
{
	static const uint16_t windows[] = {0, 1, 2, 20, 64, 536, 1000, 1460, 65535, 65535, 65535};
	size_t start;

	if (w->six) {
		ip6(TCP);
		extensions(TCP);
	} else {
		ip4(TCP, 0);
	}
	start = at;
	put16(w->port);
	put16(w->to);
	put32(w->seq + away);
	put32(flag & ACK ? w->ack + (flag & SYN || chance(80) ? 0 : offset()) : 0);
	put8(0);
	put8(flag);
	put16(windows[dice(sizeof windows / sizeof windows[0])]);
	put32(0);
	if (flag & SYN || chance(15))
		tcp_options();
	f[start + 12] = (uint8_t)((at - start) << 2);
	put_random(n);
}

void segment(void)
{
	static const uint8_t flags[] = {ACK,       ACK, ACK, ACK, ACK | PSH, ACK | FIN,
					SYN | ACK, FIN, 0,   SYN, RST | ACK};
	static const uint16_t sizes[] = {0, 0, 0, 1, 2, 100, 536, 1400};
	struct flow *w = &flows[dice(FLOWS)];
	unsigned flag = flags[dice(chance(97) ? sizeof flags - 2 : sizeof flags)];
	size_t n = sizes[dice(sizeof sizes / sizeof sizes[0])];
	uint32_t away = chance(10) ? w->edge - w->seq - dice(3000) : offset();

	if (!w->known) {
		*w = (struct flow){.six = chance(50),
				   .known = chance(50), /* though it may not be answered */
				   .port = (uint16_t)dice(65536),
				   .seq = dice(0xffffffff),
				   .to = chance(95) ? 80 : 81};
		put_segment(w, SYN, 0, chance(90) ? 0 : n);
		w->seq += w->known;
		return;
	}
	/* Now and then as much as there is room for. */
	for (int i = chance(3) ? 100 : 0; i > 0; i--) {
		put_segment(w, ACK, 0, 1300);
		with_sums();
		card_deliver(f, at);
		w->seq += 1300;
	}
	put_segment(w, flag, away, n);
	if (away == 0)
		w->seq += n + ((flag & FIN) != 0);
	w->known = !chance(1);
}

/* A SYN of the machine is answered, nearly always as it wants; what it says is mostly acknowledged. */
void hear_segment(const uint8_t *s, size_t n, bool six)
{
	if (n < 20)
		return;
	unsigned port = get16(s + 2), to = get16(s), flags = s[13];
	size_t data = n - (size_t)(s[12] >> 4) * 4;

	if ((flags & (SYN | ACK)) == SYN) {
		struct flow *w = &flows[dice(FLOWS)];

		*w = (struct flow){.six = six,
				   .known = true,
				   .port = (uint16_t)port,
				   .to = (uint16_t)to,
				   .seq = dice(0xffffffff),
				   .ack = get32(s + 4) + 1};
		if (chance(80)) {
			put_segment(w, SYN | ACK, 0, 0);
			with_sums();
			card_deliver(f, at);
			w->seq++;
		}
		return;
	}
	for (int i = 0; i < FLOWS; i++) {
		struct flow *w = &flows[i];

		if (w->six != six || w->port != port || w->to != to)
			continue;
		w->known = !(flags & RST);
		w->edge = get32(s + 8) + (get16(s + 14) << (chance(50) ? 2 : 0));
		if (flags & SYN && flags & ACK)
			w->seq = get32(s + 8);
		if (flags & SYN || chance(70))
			w->ack = get32(s + 4) + (uint32_t)(data <= n ? data : 0) +
				 ((flags & (SYN | FIN)) != 0);
	}
}
