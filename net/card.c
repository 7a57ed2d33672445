/*
 * lwIP's network interface over the card of drivers/netdev.h. Long frames go by reference both
 * ways: what was received becomes a pbuf as it is, and what is sent stays referenced until the card
 * is done with it, which it says at a time when lwIP's counts may not be touched: such frames are
 * listed, and let go of with the next that comes or goes, and before lwIP's timers, which send
 * nothing again that is still referenced. Short frames are copied, so that they hold no large buffer;
 * long ones too when many buffers are held.
 */
#include <errno.h>
#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/tcp.h>
#include <netif/ethernet.h>
#include <vole/time.h>

#include "debug/print.h"
#include "drivers/netdev.h"
#include "kernel/heap.h"
#include "net/guard.h"
#include "net/net.h"

enum {
	SHORT = 256,
	WAITING_MAX = 1024,  /* frames for which the card has no room yet */
	RETRY = 1000 * 1000, /* ns */
	HELD_MAX = 256,      /* frames received that stay in the card's buffers */
	IP4_AT = SIZEOF_ETH_HDR,
	PORTS_AT = IP4_AT + 20,
	TCP_CHECKSUM_AT = offsetof(struct tcp_hdr, chksum),
};

/* A frame on its way out. */
struct outgoing {
	struct outgoing *next;
	struct pbuf *p; /* by reference; NULL: copied behind its fragment */
	struct netdev_frame frame;
	struct netdev_fragment fragments[];
};

/* What the card looks at in a frame that it marks as good. */
enum { CHECKED = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP };

static struct netif card;
static _Atomic int held;   /* buffers of the card that lwIP or a socket has */
static struct netdev *dev; /* constant */
static uint16_t generated; /* lwIP's flags: the checksums it makes and checks itself; net_lock */

/* Pushed by anyone, taken under net_lock. */
static _Atomic(struct outgoing *) sent;

/* guarded by net_lock */
static struct outgoing *waiting, *last_waiting;
static int nwaiting;
static struct timer retry;

static void retry_now(void *unused);

/* ---- Sending -------------------------------------------------------------------------------- */

/* The card has sent it. */
static void on_sent(void *arg)
{
	struct outgoing *out = arg;

	if (!out->p) {
		heap_free(out);
		return;
	}
	out->next = atomic_load_explicit(&sent, memory_order_relaxed);
	/* release: with the acquire in card_let_go. */
	while (!atomic_compare_exchange_weak_explicit(&sent, &out->next, out, memory_order_release,
						      memory_order_relaxed))
		;
}

void card_let_go(void)
{
	struct outgoing *out, *next;

	if (!atomic_load_explicit(&sent, memory_order_relaxed))
		return;
	/* acquire: with the release in on_sent. */
	out = atomic_exchange_explicit(&sent, NULL, memory_order_acquire);
	for (; out; out = next) {
		next = out->next;
		pbuf_free(out->p);
		heap_free(out);
	}
}

/* Where the card puts TCP's checksum: there goes the sum of the pseudo-header now. */
static void ask_for_checksum(const struct pbuf *p, struct netdev_frame *frame)
{
	uint8_t *bytes = p->payload;
	uint16_t type, proto, start, size;
	uint32_t sum = 0, addresses, n;

	memcpy(&type, bytes + 12, 2);
	if (type == PP_HTONS(ETHTYPE_IP)) {
		start = IP4_AT + (bytes[IP4_AT] & 0xf) * 4;
		proto = bytes[IP4_AT + 9];
		addresses = IP4_AT + 12;
		n = 8;
	} else if (type == PP_HTONS(ETHTYPE_IPV6)) {
		start = IP4_AT + 40;
		proto = bytes[IP4_AT + 6];
		addresses = IP4_AT + 8;
		n = 32;
	} else {
		return;
	}
	if (proto != IP_PROTO_TCP)
		return;
	kassert(p->len >= start + TCP_HLEN);
	size = (uint16_t)(p->tot_len - start);
	sum = net_checksum(bytes + addresses, (int)n) + lwip_htons(proto) + lwip_htons(size);
	sum = (sum & 0xffff) + (sum >> 16);
	size = (uint16_t)((sum & 0xffff) + (sum >> 16));
	memcpy(bytes + start + TCP_CHECKSUM_AT, &size, 2);
	frame->checksum_start = start;
	frame->checksum_offset = TCP_CHECKSUM_AT;
}

static struct outgoing *outgoing_make(struct pbuf *p)
{
	bool copied = p->tot_len <= SHORT;
	int n = copied ? 1 : pbuf_clen(p);
	struct outgoing *out;

	if (n > NETDEV_FRAGMENTS)
		return NULL;
	out = heap_alloc(sizeof(*out) + (size_t)n * sizeof(out->fragments[0]) +
			 (copied ? p->tot_len : 0));
	if (!out)
		return NULL;
	*out = (struct outgoing){
		.p = copied ? NULL : p,
		.frame = {.fragments = out->fragments, .done = on_sent, .arg = out},
	};
	if (!(generated & NETIF_CHECKSUM_GEN_TCP))
		ask_for_checksum(p, &out->frame);
	if (p->len >= PORTS_AT + 4)
		memcpy(&out->frame.flow, (char *)p->payload + PORTS_AT, 4);
	if (copied) {
		out->frame.n = 1;
		out->fragments[0] = (struct netdev_fragment){out->fragments + 1, p->tot_len};
		pbuf_copy_partial(p, out->fragments + 1, p->tot_len, 0);
		return out;
	}
	pbuf_ref(p);
	for (; p; p = p->next)
		if (p->len > 0)
			out->fragments[out->frame.n++] = (struct netdev_fragment){p->payload,
										  p->len};
	return out;
}

static void drop(struct outgoing *out)
{
	if (out->p)
		pbuf_free(out->p);
	heap_free(out);
}

static void send_waiting(void)
{
	struct outgoing *out;

	while ((out = waiting)) {
		struct outgoing *next = out->next; /* it may be gone with netdev_send */
		int error = netdev_send(dev, &out->frame);

		if (error == -EAGAIN) {
			timer_start(&retry, time_now() + RETRY, 0, retry_now, NULL);
			return;
		}
		if (error)
			drop(out);
		waiting = next;
		nwaiting--;
	}
}

static void retry_now(void *unused)
{
	(void)unused;
	net_lock();
	card_let_go();
	send_waiting();
	net_unlock();
}

/* lwIP's linkoutput. */
static err_t output(struct netif *netif, struct pbuf *p)
{
	struct outgoing *out;

	(void)netif;
	card_let_go();
	if (waiting)
		send_waiting();
	out = nwaiting < WAITING_MAX ? outgoing_make(p) : NULL;
	if (!out)
		return ERR_MEM;
	if (!waiting) {
		int error = netdev_send(dev, &out->frame);

		if (!error)
			return ERR_OK;
		if (error != -EAGAIN) {
			drop(out);
			return ERR_IF;
		}
		waiting = out;
		timer_start(&retry, time_now() + RETRY, 0, retry_now, NULL);
	} else {
		last_waiting->next = out;
	}
	last_waiting = out;
	nwaiting++;
	return ERR_OK;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* What a received buffer has in its room. */
struct received {
	struct pbuf_custom custom; /* first */
	struct netdev_buffer *buffer;
};
_Static_assert(sizeof(struct received) <= NETDEV_ROOM, "struct received");

static void release(struct pbuf *p)
{
	atomic_fetch_sub_explicit(&held, 1, memory_order_relaxed);
	netdev_release(((struct received *)p)->buffer);
}

/* The frame as a pbuf; NULL: no memory. The buffer is taken. */
static struct pbuf *frame_of(struct netdev_buffer *buffer)
{
	struct received *received = (struct received *)buffer->room;
	struct pbuf *p;

	if (buffer->size > SHORT && !guard_low() &&
	    atomic_load_explicit(&held, memory_order_relaxed) < HELD_MAX) {
		atomic_fetch_add_explicit(&held, 1, memory_order_relaxed);
		received->custom.custom_free_function = release;
		received->buffer = buffer;
		return pbuf_alloced_custom(PBUF_RAW, (uint16_t)buffer->size, PBUF_REF,
					   &received->custom, buffer->data, (uint16_t)buffer->size);
	}
	p = pbuf_alloc(PBUF_RAW, (uint16_t)buffer->size, PBUF_RAM);
	if (p)
		memcpy(p->payload, buffer->data, buffer->size);
	netdev_release(buffer);
	return p;
}

static void on_frame(void *unused, struct netdev_buffer *buffer)
{
	bool checked = buffer->checksum_good;
	struct pbuf *p;

	(void)unused;
	p = frame_of(buffer);
	if (!p)
		return;
	net_lock();
	card_let_go(); /* lwIP sends nothing again that the card still has */
	NETIF_SET_CHECKSUM_CTRL(&card, checked ? generated : generated | CHECKED);
	if (ethernet_input(p, &card) != ERR_OK)
		pbuf_free(p);
	if (guard_after_input(&card) && !(generated & NETIF_CHECKSUM_GEN_TCP)) {
		/* What was made for a larger path goes in fragments now, whose bytes the card cannot
		 * sum up. */
		generated |= NETIF_CHECKSUM_GEN_TCP;
		NETIF_SET_CHECKSUM_CTRL(&card, generated);
	}
	net_unlock();
}

static bool link_is_up(void)
{
	return atomic_load_explicit(&dev->link, memory_order_relaxed);
}

static void on_change(void *unused)
{
	(void)unused;
	net_lock();
	if (link_is_up())
		netif_set_link_up(&card);
	else
		netif_set_link_down(&card);
	net_unlock();
	log_info("network card: %s\n", atomic_load_explicit(&dev->failed, memory_order_relaxed)
					       ? "failed"
				       : link_is_up() ? "link up"
						      : "link down");
}

/* ---- Start ---------------------------------------------------------------------------------- */

static err_t init(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(netif->hwaddr, dev->mac, ETH_HWADDR_LEN);
	netif->mtu = dev->mtu;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = output;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_MLD6 | (link_is_up() ? NETIF_FLAG_LINK_UP : 0);
	return ERR_OK;
}

struct netif *card_start(void)
{
	dev = netdev_first();
	if (!dev)
		return NULL;
	generated = NETIF_CHECKSUM_ENABLE_ALL & ~CHECKED;
	if (dev->checksum_send)
		generated &= ~NETIF_CHECKSUM_GEN_TCP;
	net_lock();
	netif_add_noaddr(&card, NULL, init, ethernet_input);
	net_unlock();
	return netdev_open(dev, on_frame, on_change, NULL) ? NULL : &card;
}
