/*
 * What is let in to lwIP. lwIP takes some of what a peer may send for impossible, and asserts
 * it; and it would take as much memory as a peer wants to fill. So each segment of TCP is looked at here
 * first (its hook, net_hook_tcp): what no honest peer sends is answered and dropped, what would be
 * too much is dropped, for the peer to send again. So are fragments of IPv6 (guard_ip6).
 *
 * Half-open connections of a listener are listed here, oldest first: when a SYN finds as many as
 * there may be, the oldest makes room (RFC 4987, 3.5).
 */
#include <string.h>

#include <lwip/ip.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip6.h>

#include "debug/print.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "net/demux.h"
#include "net/guard.h"
#include "net/socket.h"

enum {
	BEFORE = 0xfffe,   /* so far below the window lwIP trims */
	SMALLEST_MSS = 64, /* Linux sends no smaller segments than 48 bytes either */
	PRESSED_QUEUE = 16 * 1024,
	FIRST_TIMEOUT = 1000 / TCP_SLOW_INTERVAL, /* RFC 6298, 2.1; lwIP has 3 s */
};

struct half_open {
	struct half_open *next, **link;
	struct tcp_pcb *pcb;
	struct socket *listener;
};

struct guard_counts guard_counts; /* net_lock */

static uint8_t half_open_id; /* of lwIP's, where a pcb's struct half_open is */

/* The log has all counts whenever one has doubled. */
static void count_drop(uint64_t *n)
{
	const struct guard_counts *c = &guard_counts;

	(*n)++;
	if ((*n & (*n - 1)) == 0)
		log_info("network: dropped by flags %lu, sequence %lu, memory %lu, backlog %lu; "
			 "half open %lu, fragments %lu\n",
			 (unsigned long)c->flags, (unsigned long)c->sequence,
			 (unsigned long)c->memory, (unsigned long)c->backlog,
			 (unsigned long)c->half_open, (unsigned long)c->fragments);
}

bool guard_low(void)
{
	return page_available() < page_total() / 16;
}

/* There is less than there might be: a connection is to have PRESSED_QUEUE of either direction only. */
static bool pressed(void)
{
	return page_available() < page_total() / 4;
}

void guard_prepare(struct tcp_pcb *pcb)
{
	pcb->rto = FIRST_TIMEOUT;
	pcb->sv = FIRST_TIMEOUT;
}

void guard_connected(struct tcp_pcb *pcb)
{
	/* lwIP's segments may be half of the largest window, and never become smaller: it asserts
	 * that. And with a queue of segments that are too short nothing can be sent. */
	if (pcb->mss < SMALLEST_MSS)
		pcb->mss = SMALLEST_MSS;
	if (pcb->cwnd < pcb->mss)
		pcb->cwnd = pcb->mss;
	if (pcb->snd_wnd_max < 2 * SMALLEST_MSS)
		pcb->snd_wnd_max = 2 * SMALLEST_MSS;
}

size_t guard_write_max(const struct tcp_pcb *pcb)
{
	size_t segment = pcb->snd_wnd_max / 2 < pcb->mss ? pcb->snd_wnd_max / 2 : pcb->mss;

	return segment * (TCP_SND_QUEUELEN / 4);
}

static size_t send_limit(const struct tcp_pcb *pcb)
{
	return guard_low() ? pcb->mss : pressed() ? PRESSED_QUEUE : TCP_SND_BUF;
}

size_t guard_room(const struct tcp_pcb *pcb)
{
	size_t waits = TCP_SND_BUF - pcb->snd_buf, limit = send_limit(pcb);

	return waits < limit ? limit - waits : 0;
}

bool guard_roomy(const struct tcp_pcb *pcb)
{
	return guard_room(pcb) > send_limit(pcb) / 4 && pcb->snd_queuelen < TCP_SNDQUEUELOWAT;
}

void guard_tick(struct tcp_pcb *pcb)
{
	/* What is not acknowledged yet has a timer (RFC 6298, 5.1). lwIP takes a segment that the card still
	 * has for sent, and starts none: one that IPv6 sends in fragments, of which the first went out and
	 * the next found no memory, and that is tried again when what was before it is acknowledged. */
	if (pcb->unacked && pcb->rtime < 0 && pcb->persist_backoff == 0)
		pcb->rtime = 0;
	/* lwIP asserts that there is something to send while it probes a window; what there was may
	 * have been acknowledged since, though the window was closed before. */
	if (!pcb->unsent || pcb->unacked)
		pcb->persist_backoff = 0;
}

/* ---- Half-open connections ------------------------------------------------------------------ */

static void forget_half_open(struct half_open *h)
{
	struct socket *s = h->listener;

	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	else
		s->last_half_open = h->link;
	heap_free(h);
}

static void on_destroy(u8_t id, void *data)
{
	(void)id;
	if (data)
		forget_half_open(data);
}

static err_t on_passive_open(u8_t id, struct tcp_pcb_listen *lpcb, struct tcp_pcb *pcb)
{
	static const struct tcp_ext_arg_callbacks callbacks = {.destroy = on_destroy};
	struct socket *s = lpcb->callback_arg;
	struct half_open *h = heap_alloc(sizeof(*h));

	if (!h)
		return ERR_MEM;
	if (!s->first_half_open)
		s->last_half_open = &s->first_half_open;
	*h = (struct half_open){.link = s->last_half_open, .pcb = pcb, .listener = s};
	*h->link = h;
	s->last_half_open = &h->next;
	tcp_ext_arg_set_callbacks(pcb, id, &callbacks);
	tcp_ext_arg_set(pcb, id, h);
	guard_prepare(pcb);
	return ERR_OK;
}

void guard_listen(struct tcp_pcb *listener)
{
	static const struct tcp_ext_arg_callbacks callbacks = {.passive_open = on_passive_open};
	static bool known;

	if (!known)
		half_open_id = tcp_ext_arg_alloc_id();
	known = true;
	tcp_ext_arg_set_callbacks(listener, half_open_id, &callbacks);
}

void guard_accepted(struct tcp_pcb *pcb)
{
	struct half_open *h = tcp_ext_arg_get(pcb, half_open_id);

	tcp_ext_arg_set(pcb, half_open_id, NULL);
	if (h)
		forget_half_open(h);
	guard_connected(pcb);
}

void guard_close(struct socket *s)
{
	while (s->first_half_open) {
		tcp_ext_arg_set(s->first_half_open->pcb, half_open_id, NULL);
		forget_half_open(s->first_half_open);
	}
}

static err_t listen_input(struct tcp_pcb_listen *lpcb, const struct tcp_hdr *hdr)
{
	struct socket *s = lpcb->callback_arg;

	if (!(TCPH_FLAGS(hdr) & TCP_SYN) || (TCPH_FLAGS(hdr) & (TCP_ACK | TCP_RST)))
		return ERR_OK;
	if (s && s->received > (size_t)s->backlog) { /* those that wait for accept, reset or not */
		count_drop(&guard_counts.backlog);
		return ERR_MEM;
	}
	if (guard_low()) /* lwIP looks for one in TIME-WAIT that could go */
		demux_all();
	if (s && lpcb->accepts_pending >= lpcb->backlog && s->first_half_open) {
		count_drop(&guard_counts.half_open);
		demux_pick_pcb(s->first_half_open->pcb);
		tcp_abandon(s->first_half_open->pcb, 0);
		demux_pick(ip_current_dest_addr(), lpcb->local_port, ip_current_src_addr(),
			   hdr->src);
	}
	return ERR_OK;
}

/* ---- Segments of a connection --------------------------------------------------------------- */

/* Data that there is no memory for: a connection that has nothing in its queue gets on for longest. */
static bool too_much(const struct tcp_pcb *pcb)
{
	const struct socket *s = pcb->callback_arg;
	size_t queued = s ? shared_get(s->received) : 0;

	if (queued >= PRESSED_QUEUE && pressed())
		return true;
	return guard_low() && (queued > 0 || pcb->ooseq);
}

/* So far from what comes next there is an end: what is in the queue says so. */
static bool is_behind_end(const struct tcp_pcb *pcb, int32_t at)
{
	const struct tcp_seg *last = pcb->ooseq;

	if (!last)
		return false;
	while (last->next)
		last = last->next;
	return (TCPH_FLAGS(last->tcphdr) & TCP_FIN) &&
	       at > (int32_t)(last->tcphdr->seqno + last->len - pcb->rcv_nxt);
}

static err_t refuse(struct tcp_pcb *pcb, uint64_t *n, bool answer)
{
	count_drop(n);
	if (answer) {
		tcp_ack_now(pcb);
		tcp_output(pcb);
	}
	return ERR_VAL;
}

int8_t net_hook_tcp(struct tcp_pcb *pcb, struct tcp_hdr *hdr, uint16_t options, uint16_t together,
		    uint8_t *apart, struct pbuf *p)
{
	unsigned flags = TCPH_FLAGS(hdr);
	int32_t at = (int32_t)(hdr->seqno - pcb->rcv_nxt);
	int32_t end = at + p->tot_len + ((flags & TCP_FIN) != 0);
	bool takes_room = p->tot_len > 0 || (flags & (TCP_SYN | TCP_FIN));

	if ((flags & TCP_SYN) && (flags & TCP_FIN))
		return refuse(pcb, &guard_counts.flags, false);
	if (pcb->state == LISTEN)
		return listen_input((struct tcp_pcb_listen *)pcb, hdr);
	if (pcb->state == TIME_WAIT)
		return ERR_OK;
	/* What is acknowledged now may have been sent more than once, which says nothing about the round
	 * trip (Karn and Partridge, 1987). lwIP measures it, and would wait for longer and longer. */
	if (pcb->nrtx > 0 || (pcb->flags & (TF_RTO | TF_INFR)))
		pcb->rttest = 0;

	/* Options belong to the SYN that makes the connection: lwIP would take a new maximum segment
	 * size at any time, below that of segments it has made. */
	if (options > 0 &&
	    (pcb->state != SYN_SENT || (flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK)))
		*(together > 0 ? (uint8_t *)(hdr + 1) : apart) = LWIP_TCP_OPT_EOL;
	if (pcb->state == SYN_SENT || (flags & TCP_RST))
		return ERR_OK;

	if (pcb->state == SYN_RCVD && (flags & TCP_SYN) && (flags & TCP_ACK))
		return refuse(pcb, &guard_counts.flags, false);
	if (at < -BEFORE || at > (int32_t)pcb->rcv_wnd) /* RFC 9293, 3.10.7.4, first */
		return refuse(pcb, &guard_counts.sequence, takes_room);
	/* lwIP does not cut what comes out of order at the end of the window, nor at the end of all. */
	if ((at > 0 && end > (int32_t)pcb->rcv_wnd) ||
	    (p->tot_len > 0 && is_behind_end(pcb, at + p->tot_len)))
		return refuse(pcb, &guard_counts.sequence, takes_room);
	if (p->tot_len > 0 && too_much(pcb))
		return refuse(pcb, &guard_counts.memory, false);
	if (p->tot_len > 0 && at > 0 && (pcb->flags & TF_RXCLOSED)) /* nobody will read it */
		return refuse(pcb, &guard_counts.sequence, true);
	return ERR_OK;
}

/* ---- IPv6 ----------------------------------------------------------------------------------- */

static bool is_extension(uint8_t header)
{
	return header == IP6_NEXTH_HOPBYHOP || header == IP6_NEXTH_ROUTING ||
	       header == IP6_NEXTH_FRAGMENT || header == IP6_NEXTH_DESTOPTS;
}

static bool look_at_mtu;

/* lwIP asserts that fragments have no more than 64 KB together, IPv6's header included, and it loses its
 * way where another header is before that of a fragment, or follows it. */
bool guard_ip6(const struct pbuf *p)
{
	const uint8_t *bytes = p->payload;
	uint8_t next = IP6H_NEXTH((const struct ip6_hdr *)bytes);
	size_t at = IP6_HLEN;
	uint16_t offset;

	while (is_extension(next) && next != IP6_NEXTH_FRAGMENT && p->len >= at + 8) {
		next = bytes[at];
		at += 8 * (1u + bytes[at + 1]);
	}
	look_at_mtu = next == IP6_NEXTH_ICMP6 || next == IP6_NEXTH_FRAGMENT;
	if (next != IP6_NEXTH_FRAGMENT || p->len < at + IP6_FRAG_HLEN)
		return false;
	memcpy(&offset, bytes + at + 2, sizeof(offset));
	offset = lwip_ntohs(offset) & IP6_FRAG_OFFSET_MASK;
	if (at == IP6_HLEN && !is_extension(bytes[at]) &&
	    offset + p->tot_len - IP6_FRAG_HLEN <= 0xffff)
		return false;
	count_drop(&guard_counts.fragments);
	return true;
}

/* A packet that is too big is one of more than 1,280 bytes (RFC 8201, 4), and no path takes more than the
 * link. lwIP takes any size, and with some would send fragments without data for ever. */
bool guard_after_input(const struct netif *netif)
{
	uint16_t link = netif_mtu6(netif);
	bool small = link < netif->mtu;

	if (!look_at_mtu)
		return false;
	look_at_mtu = false;
	for (int i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++) {
		struct nd6_destination_cache_entry *d = &destination_cache[i];

		if (ip6_addr_isany(&d->destination_addr))
			continue;
		if (d->pmtu < IP6_MIN_MTU_LENGTH)
			d->pmtu = IP6_MIN_MTU_LENGTH;
		if (d->pmtu > link)
			d->pmtu = link;
		small |= d->pmtu < netif->mtu;
	}
	return small;
}
