/*
 * Virtio network cards (virtio 5.1): making one out of a device, starting it, and its *keeper*, a
 * coroutine that comes by every 10 ms while the card has frames to send, and takes back those that
 * were sent. It also looks after the link, and takes a card that has failed out of service: it resets
 * it, so that the memory is ours again, and gives back all that it had.
 */
#include "drivers/virtio_net.h"

#include <errno.h>
#include <string.h>

#include <vole/go.h>
#include <vole/runtime.h>
#include <vole/time.h>

#include "arch/devices.h"
#include "debug/print.h"
#include "drivers/virtio_card.h"
#include "kernel/heap.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/sched.h"

enum { /* 5.1.3 */
       F_CSUM = 0,
       F_GUEST_CSUM = 1,
       F_MTU = 3,
       F_MAC = 5,
       F_STATUS = 16,
       F_CTRL_VQ = 17,
       F_MQ = 22,
};

/* 5.1.4 */
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_MAX_PAIRS = 8, CONFIG_MTU = 10 };
enum { STATUS_LINK_UP = 1 };
enum { DEFAULT_MTU = 1500, LEAST_MTU = 68 };

/* 5.1.6.5.6 */
enum { CONTROL_MQ = 4, CONTROL_MQ_PAIRS = 0, CONTROL_OK = 0 };
enum { CONTROL_QUEUE_SIZE = 4, CONTROL_LIMIT_MS = 1000 };

#define KEEPER_PERIOD (10 * NSEC_PER_MSEC)

void card_leave_program(void)
{
	preempt_disable();
	arch_current()->flags |= CO_COUNTED;
	core_here()->exited++;
	preempt_enable();
}

uint64_t netdev_interrupts(struct netdev *dev)
{
	struct card *card = (struct card *)dev;
	uint64_t sum = 0;

	for (unsigned i = 0; i < card->npairs; i++)
		sum += atomic_load_explicit(&card->pairs[i].receive.interrupts,
					    memory_order_relaxed);
	return sum;
}

/* ---- The keeper --------------------------------------------------------------------------------- */

static void set_link(struct card *card, bool up)
{
	atomic_store_explicit(&card->dev.link, up, memory_order_relaxed);
	card->dev.changed(card->dev.arg);
}

/* The status may have changed twice since it was looked at last: a cable that was in, and is in, was out
 * meanwhile, and may lead elsewhere. */
static void look_at_link(struct card *card)
{
	bool up, was = atomic_load_explicit(&card->dev.link, memory_order_relaxed);

	if (!virtio_has(card->virtio, F_STATUS) ||
	    !atomic_exchange_explicit(&card->virtio->configured, false, memory_order_relaxed))
		return;
	up = arch_io_read16(card->virtio->config + CONFIG_STATUS) & STATUS_LINK_UP;
	if (was)
		set_link(card, false);
	if (up)
		set_link(card, true);
}

/* The card has failed. */
static void out_of_service(struct card *card)
{
	atomic_store_explicit(&card->dev.failed, true, memory_order_relaxed);
	atomic_store_explicit(&card->dev.link, false, memory_order_relaxed);
	/* What does not stop keeps the memory it may write to. */
	if (virtio_stop(card->virtio)) {
		shared_set(card->stopped, true);
		for (unsigned i = 0; i < card->npairs; i++) {
			event_post(&card->pairs[i].received);
			pair_collect(&card->pairs[i], true);
		}
	}
	card->dev.changed(card->dev.arg);
}

static void keeper(void *arg)
{
	struct card *card = arg;
	struct virtio *v = card->virtio;
	bool watching = false;

	card_leave_program();
	while (!virtio_failed(v)) {
		uint64_t until = watching ? time_now() + KEEPER_PERIOD : TIME_NEVER;

		if (event_wait_until(&v->changed, until) == 0) {
			if (v->bus->status(v) & VIRTIO_NEEDS_RESET)
				virtio_fail(v, "it asks for a reset");
			else
				look_at_link(card);
		}
		watching = false;
		for (unsigned i = 0; i < card->npairs; i++)
			watching |= pair_collect(&card->pairs[i], false);
	}
	out_of_service(card);
}

/* ---- Starting ----------------------------------------------------------------------------------- */

static int pair_start(struct card *card, unsigned i)
{
	struct pair *pair = &card->pairs[i];
	struct go_options options = {.core = 1 + (int)i % runtime_cores()};
	int error;

	pair->card = card;
	error = virtio_queue_make(&pair->receive, card->virtio, 2 * i, QUEUE_SIZE, &pair->received);
	if (!error)
		error = virtio_queue_make(&pair->send, card->virtio, 2 * i + 1, QUEUE_SIZE, NULL);
	if (!error && pair->send.size < 1 + NETDEV_FRAGMENTS)
		error = -ENOSPC; /* some frames would never fit */
	if (!error)
		error = pair_send_start(pair);
	if (!error)
		error = go_with(&options, pair_receive, pair);
	if (!error)
		event_wait(&pair->started);
	return error ? error : virtio_failed(card->virtio) ? -EIO : 0;
}

/* Has the card use all pairs (5.1.6.5.6): it begins with one. */
static void use_pairs(struct card *card)
{
	struct virtio_piece pieces[] = {{&card->order.class, 2},
					{&card->order.pairs, 2},
					{&card->order.answer, 1}};
	uint32_t written;

	card->order.class = CONTROL_MQ;
	card->order.command = CONTROL_MQ_PAIRS;
	card->order.pairs = (uint16_t)card->npairs;
	card->order.answer = (uint8_t)~CONTROL_OK;
	virtio_put(&card->control, pieces, 2, 1, card);
	virtio_tell(&card->control);
	for (int ms = 0; !virtio_take(&card->control, &written); ms++) {
		if (ms == CONTROL_LIMIT_MS || virtio_failed(card->virtio))
			break;
		time_sleep(NSEC_PER_MSEC);
	}
	if (*(volatile uint8_t *)&card->order.answer != CONTROL_OK)
		virtio_fail(card->virtio, "it does not use %u pairs of queues", card->npairs);
}

static int start_card(struct card *card)
{
	struct virtio *v = card->virtio;
	unsigned npairs = card->npairs;
	int error = 0;

	card->npairs = 0;
	card->pairs = heap_alloc(npairs * sizeof card->pairs[0]);
	if (!card->pairs)
		return -ENOMEM;
	memset(card->pairs, 0, npairs * sizeof card->pairs[0]);
	while (card->npairs < npairs && !error)
		error = pair_start(card, card->npairs++);
	if (!error && npairs > 1)
		error = virtio_queue_make(&card->control, v, 2 * card->max_pairs,
					  CONTROL_QUEUE_SIZE, NULL);
	if (!error && npairs > 1)
		error = v->bus->queue_start(v, &card->control);
	if (error)
		return error;
	virtio_ready(v);
	if (npairs > 1)
		use_pairs(card);
	if (virtio_failed(v))
		return -EIO;
	for (unsigned i = 0; i < npairs; i++)
		event_post(&card->pairs[i].received);
	return go(keeper, card);
}

int netdev_open(struct netdev *dev, void (*receive)(void *arg, struct netdev_buffer *buffer),
		void (*changed)(void *arg), void *arg)
{
	struct card *card = (struct card *)dev;
	bool shield = go_shield(true);
	int error;

	dev->receive = receive;
	dev->changed = changed;
	dev->arg = arg;
	error = start_card(card);
	if (error) {
		virtio_fail(card->virtio, "it cannot be started (error %d)", error);
		out_of_service(card);
	}
	go_shield(shield);
	return error;
}

/* ---- Making a card ------------------------------------------------------------------------------- */

static void read_mac(struct card *card)
{
	for (unsigned i = 0; i < sizeof card->dev.mac; i++)
		card->dev.mac[i] = virtio_has(card->virtio, F_MAC)
					   ? arch_io_read8(card->virtio->config + CONFIG_MAC + i)
					   : (uint8_t)(arch_clock() >> i);
	/* Made up: of local meaning, and one card's. */
	if (!virtio_has(card->virtio, F_MAC))
		card->dev.mac[0] = (card->dev.mac[0] & ~1) | 2;
}

/* One a core, as far as it has them, and interrupts for them. */
static void choose_pairs(struct card *card)
{
	card->max_pairs = arch_io_read16(card->virtio->config + CONFIG_MAX_PAIRS);
	card->npairs = (unsigned)runtime_cores();
	if (card->npairs > card->max_pairs)
		card->npairs = card->max_pairs;
	if (card->npairs > card->virtio->interrupts)
		card->npairs = card->virtio->interrupts;
}

struct netdev *virtio_net_make(struct virtio *v)
{
	uint64_t wanted = 1 << F_CSUM | 1 << F_GUEST_CSUM | 1 << F_MTU | 1 << F_MAC |
			  1 << F_STATUS | 1 << F_CTRL_VQ | 1 << F_MQ | 1 << VIRTIO_F_EVENT_IDX;
	struct card *card = heap_alloc(sizeof *card);

	if (!card || virtio_begin(v, wanted) < 0) {
		heap_free(card);
		return NULL;
	}
	*card = (struct card){.virtio = v, .npairs = 1, .max_pairs = 1};
	read_mac(card);
	card->dev.mtu = virtio_has(v, F_MTU) ? arch_io_read16(v->config + CONFIG_MTU) : DEFAULT_MTU;
	card->dev.checksum_send = virtio_has(v, F_CSUM);
	card->dev.checksum_receive = virtio_has(v, F_GUEST_CSUM);
	atomic_init(&card->dev.link,
		    !virtio_has(v, F_STATUS) ||
			    arch_io_read16(v->config + CONFIG_STATUS) & STATUS_LINK_UP);
	card->room = (uint32_t)sizeof(struct frame_header) + ETHERNET_HEADER + VLAN_TAG +
		     card->dev.mtu;
	card->most_out = (uint32_t)(page_total() / 8 / (sizeof(struct netdev_buffer) + card->room));
	if (virtio_has(v, F_MQ) && virtio_has(v, F_CTRL_VQ))
		choose_pairs(card);
	if (card->dev.mtu < LEAST_MTU || card->npairs < 1) {
		virtio_fail(v, "it has an MTU of %u and %u pairs of queues", card->dev.mtu,
			    card->max_pairs);
		heap_free(card);
		return NULL;
	}
	log_info("network card %s: %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, features %lx, %u of %u "
		 "pairs of queues\n",
		 v->name, card->dev.mac[0], card->dev.mac[1], card->dev.mac[2], card->dev.mac[3],
		 card->dev.mac[4], card->dev.mac[5], card->dev.mtu, v->features, card->npairs,
		 card->max_pairs);
	return &card->dev;
}
