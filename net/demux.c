/*
 * Finding a connection among thousands. lwIP keeps its connections in two lists (active ones, and
 * those in TIME-WAIT) and looks through them for every packet. Here they are spread over buckets, by
 * a hash of addresses and ports, and lwIP's lists hold one bucket at a time: that of the packet or
 * of the connection at hand. What has to see all of them (timers, bind) asks for all first.
 */
#include <string.h>

#include <lwip/icmp.h>
#include <lwip/icmp6.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/dhcp.h>
#include <lwip/prot/iana.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/prot/udp.h>
#include <vole/time.h>

#include "net/demux.h"
#include "net/guard.h"
#include "net/net.h"
#include "net/socket.h"

enum { BUCKETS = 1 << 10, ALL = -1 };
enum { TCP_SEQ_AT = 4, TCP_FLAGS_AT = 13 }; /* RFC 9293, 3.1 */
#define DHCP_REFUSED_AGAIN (10 * NSEC_PER_SEC)

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

/* A SYN that is newer than a connection in TIME-WAIT ends that (RFC 6191; 1122, 4.2.2.13). */
static void end_time_wait(const struct ends *ends, const uint8_t *tcp)
{
	uint32_t seq;

	if ((tcp[TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return;
	memcpy(&seq, tcp + TCP_SEQ_AT, sizeof(seq));
	for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
		if (pcb->local_port == ends->local_port && pcb->remote_port == ends->remote_port &&
		    folded(&pcb->local_ip) == ends->local &&
		    folded(&pcb->remote_ip) == ends->remote) {
			if ((int32_t)(lwip_ntohl(seq) - pcb->rcv_nxt) > 0)
				tcp_abandon(pcb, 0);
			return;
		}
}

/* at: where TCP's header is in p. */
static void pick_packet(const struct pbuf *p, size_t at, uint32_t local, uint32_t remote)
{
	struct ends ends = {.local = local, .remote = remote};
	uint16_t ports[2];

	memcpy(ports, (char *)p->payload + at, sizeof(ports));
	ends.remote_port = lwip_ntohs(ports[0]);
	ends.local_port = lwip_ntohs(ports[1]);
	pick(bucket_of(&ends));
	end_time_wait(&ends, (const uint8_t *)p->payload + at);
}

/* DHCP changes addresses, which all connections must hear of. A server that refuses whatever it has
 * offered is heard once in a while only, or all would begin anew at once (RFC 2131, 3.1, 5). True:
 * not now. */
static bool dhcp_input(const struct pbuf *p, size_t at)
{
	static uint64_t refused;
	uint8_t option[2];

	demux_all();
	at += UDP_HLEN + DHCP_OPTIONS_OFS;
	while (pbuf_copy_partial(p, option, 2, (uint16_t)at) == 2 && option[0] != DHCP_OPTION_END) {
		uint8_t type = pbuf_get_at(p, (uint16_t)(at + 2));

		if (option[0] == DHCP_OPTION_MESSAGE_TYPE && type == DHCP_NAK) {
			uint64_t now = time_now();

			if (refused && now - refused < DHCP_REFUSED_AGAIN)
				return true;
			refused = now;
		}
		at += option[0] == DHCP_OPTION_PAD ? 1 : 2u + option[1];
	}
	return false;
}

/* Port unreachable, ICMP's at this offset: its cause is behind a header of 8 bytes. lwIP does not tell
 * UDP of it. */
static void tell_refused(struct pbuf *p, size_t at, bool v6)
{
	uint8_t cause[IP6_HLEN + 4];
	size_t header = v6 ? IP6_HLEN : IP_HLEN;
	ip_addr_t from, to;
	uint16_t ports[2];
	int type = pbuf_get_at(p, (uint16_t)at), code = pbuf_get_at(p, (uint16_t)(at + 1));

	if (v6 ? type != ICMP6_TYPE_DUR || code != ICMP6_DUR_PORT
	       : type != ICMP_DUR || code != ICMP_DUR_PORT)
		return;
	if (pbuf_copy_partial(p, cause, (uint16_t)(header + 4), (uint16_t)(at + 8)) != header + 4)
		return;
	if (v6) {
		const struct ip6_hdr *ip = (const struct ip6_hdr *)cause;

		if (IP6H_NEXTH(ip) != IP6_NEXTH_UDP)
			return;
		ip_addr_copy_from_ip6_packed(from, ip->src);
		ip_addr_copy_from_ip6_packed(to, ip->dest);
	} else {
		const struct ip_hdr *ip = (const struct ip_hdr *)cause;

		if (IPH_PROTO(ip) != IP_PROTO_UDP || IPH_HL_BYTES(ip) != IP_HLEN)
			return;
		ip_addr_copy_from_ip4(from, ip->src);
		ip_addr_copy_from_ip4(to, ip->dest);
	}
	memcpy(ports, cause + header, sizeof(ports));
	datagram_refused(&from, lwip_ntohs(ports[0]), &to, lwip_ntohs(ports[1]));
}

/* All of 127/8 is this machine (RFC 1122, 3.2.1.3), but lwIP's loopback interface has one address: it
 * gets the one that a packet on it is for. */
static void take_loopback(const struct pbuf *p, const struct ip_hdr *ip)
{
	struct netif *netif;

	if ((ip->dest.addr & PP_HTONL(0xff000000)) != PP_HTONL(0x7f000000))
		return;
	netif = netif_get_by_index(p->if_idx);
	if (netif && netif->name[0] == 'l' && netif->name[1] == 'o')
		ip_2_ip4(&netif->ip_addr)->addr = ip->dest.addr;
}

/* lwIP's hooks; 0: it goes on with the packet. What is in pieces, or has its ports elsewhere, may
 * be anybody's. */

int net_hook_ip4(struct pbuf *p)
{
	const struct ip_hdr *ip = p->payload;
	size_t at = p->len >= IP_HLEN ? IPH_HL_BYTES(ip) : 0;

	if (at < IP_HLEN)
		return 0;
	take_loopback(p, ip);
	if (IPH_PROTO(ip) == IP_PROTO_ICMP)
		tell_refused(p, at, false);
	if ((IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) && guard_low()) {
		pbuf_free(p);
		return 1;
	}
	if (IPH_PROTO(ip) == IP_PROTO_UDP && p->len >= at + UDP_HLEN &&
	    pbuf_get_at(p, (uint16_t)(at + 2)) == 0 &&
	    pbuf_get_at(p, (uint16_t)(at + 3)) == LWIP_IANA_PORT_DHCP_CLIENT) {
		if (!dhcp_input(p, at))
			return 0;
		pbuf_free(p);
		return 1;
	}
	if (IPH_PROTO(ip) != IP_PROTO_TCP)
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

	if (p->len >= IP6_HLEN && guard_ip6(p)) {
		pbuf_free(p);
		return 1;
	}
	if (next == IP6_NEXTH_ICMP6)
		tell_refused(p, IP6_HLEN, true);
	if (next == IP6_NEXTH_TCP && p->len >= IP6_HLEN + TCP_HLEN)
		pick_packet(p, IP6_HLEN, words(ip->dest.addr), words(ip->src.addr));
	else if (next != IP6_NEXTH_UDP && !(next == IP6_NEXTH_ICMP6 && p->len > IP6_HLEN &&
					    pbuf_get_at(p, IP6_HLEN) != ICMP6_TYPE_RA))
		demux_all();
	return 0;
}
