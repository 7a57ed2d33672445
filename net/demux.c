/*
 * Finding a connection among thousands. lwIP keeps its connections in two lists (active ones, and
 * those in TIME-WAIT) and looks through them for every packet. Here they are spread over buckets, by
 * a hash of addresses and ports, and lwIP's lists hold one bucket at a time: that of the packet or
 * of the connection at hand. What has to see all of them (timers, bind) asks for all first.
 */
#include <string.h>

#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>

#include "net/demux.h"
#include "net/net.h"

enum { BUCKETS = 1 << 10, ALL = -1 };

struct bucket {
	struct tcp_pcb *active, *time_wait;
};

/* guarded by net_lock */
static struct bucket buckets[BUCKETS];
static int in_lists = ALL; /* whose connections lwIP's lists hold; those are not in buckets */

/* ---- Hashing -------------------------------------------------------------------------------- */

struct ends {
	uint32_t local, remote; /* IPv6: all words together */
	uint16_t local_port, remote_port;
};

static int bucket_of(const struct ends *ends)
{
	uint64_t key = (uint64_t)ends->remote << 32 | (uint32_t)ends->remote_port << 16 |
		       ends->local_port;

	/* The high bits of a product depend on all below (Knuth, vol. 3, 6.4). */
	return (int)(((key ^ ends->local) * 0x9e3779b97f4a7c15) >> 54);
}

static uint32_t words(const void *bytes)
{
	uint32_t w[4];

	memcpy(w, bytes, sizeof(w));
	return w[0] ^ w[1] ^ w[2] ^ w[3];
}

static uint32_t folded(const ip_addr_t *ip)
{
	return IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : words(ip_2_ip6(ip)->addr);
}

/* ---- Buckets -------------------------------------------------------------------------------- */

static void spread(struct tcp_pcb *list, size_t member)
{
	struct tcp_pcb *next;

	for (struct tcp_pcb *pcb = list; pcb; pcb = next) {
		struct ends ends = {folded(&pcb->local_ip), folded(&pcb->remote_ip),
				    pcb->local_port, pcb->remote_port};
		struct bucket *b = &buckets[bucket_of(&ends)];
		struct tcp_pcb **first = (struct tcp_pcb **)((char *)b + member);

		next = pcb->next;
		pcb->next = *first;
		*first = pcb;
	}
}

static void put_back(void)
{
	if (in_lists == ALL) {
		spread(tcp_active_pcbs, offsetof(struct bucket, active));
		spread(tcp_tw_pcbs, offsetof(struct bucket, time_wait));
	} else {
		buckets[in_lists] = (struct bucket){tcp_active_pcbs, tcp_tw_pcbs};
	}
}

static void pick(int bucket)
{
	assert_net_locked();
	if (bucket == in_lists)
		return;
	put_back();
	tcp_active_pcbs = buckets[bucket].active;
	tcp_tw_pcbs = buckets[bucket].time_wait;
	buckets[bucket] = (struct bucket){NULL, NULL};
	in_lists = bucket;
}

void demux_pick(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		uint16_t remote_port)
{
	struct ends ends = {folded(local), folded(remote), local_port, remote_port};

	pick(bucket_of(&ends));
}

void demux_pick_pcb(const struct tcp_pcb *pcb)
{
	demux_pick(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port);
}

/* Puts list in front of what is in *first. */
static void prepend(struct tcp_pcb *list, struct tcp_pcb **first)
{
	struct tcp_pcb *last = list;

	if (!list)
		return;
	while (last->next)
		last = last->next;
	last->next = *first;
	*first = list;
}

void demux_all(void)
{
	assert_net_locked();
	if (in_lists == ALL)
		return;
	for (int i = 0; i < BUCKETS; i++) {
		prepend(buckets[i].active, &tcp_active_pcbs);
		prepend(buckets[i].time_wait, &tcp_tw_pcbs);
		buckets[i] = (struct bucket){NULL, NULL};
	}
	in_lists = ALL;
}

/* ---- Packets -------------------------------------------------------------------------------- */

/* at: where TCP's header is in p. */
static void pick_packet(const struct pbuf *p, size_t at, uint32_t local, uint32_t remote)
{
	struct ends ends = {.local = local, .remote = remote};
	uint16_t ports[2];

	memcpy(ports, (char *)p->payload + at, sizeof(ports));
	ends.remote_port = lwip_ntohs(ports[0]);
	ends.local_port = lwip_ntohs(ports[1]);
	pick(bucket_of(&ends));
}

/* lwIP's hooks; 0: it goes on with the packet. What is in pieces, or has its ports elsewhere, may
 * be anybody's. */

int net_hook_ip4(struct pbuf *p)
{
	const struct ip_hdr *ip = p->payload;
	size_t at = p->len >= IP_HLEN ? IPH_HL_BYTES(ip) : 0;

	if (at < IP_HLEN || IPH_PROTO(ip) != IP_PROTO_TCP)
		return 0;
	if ((IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) || p->len < at + TCP_HLEN)
		demux_all();
	else
		pick_packet(p, at, ip->dest.addr, ip->src.addr);
	return 0;
}

int net_hook_ip6(struct pbuf *p)
{
	const struct ip6_hdr *ip = p->payload;
	int next = p->len >= IP6_HLEN ? IP6H_NEXTH(ip) : IP6_NEXTH_NONE;

	if (next == IP6_NEXTH_TCP && p->len >= IP6_HLEN + TCP_HLEN)
		pick_packet(p, IP6_HLEN, words(ip->dest.addr), words(ip->src.addr));
	else if (next != IP6_NEXTH_UDP && next != IP6_NEXTH_ICMP6)
		demux_all();
	return 0;
}
