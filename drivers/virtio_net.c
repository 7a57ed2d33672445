/*
 * Virtio network cards (virtio 5.1).
 *
 * Receiving. A coroutine for each pair of queues takes frames out and hands them on; it waits when
 * there are none, and only then does the queue interrupt. The queue always holds as many buffers:
 * one is handed on only when there is another to take its place, else its frame is lost.
 *
 * Sending. Whoever sends takes back what the card is done with. No interrupt tells of that: the
 * *keeper*, a coroutine of the card, comes by every 10 ms while it has frames. It also looks after the
 * link, and takes a card that has failed out of service: it resets it, so that the memory is ours
 * again, and gives back all that it had.
 */
#include "drivers/virtio_net.h"

#include <errno.h>
#include <string.h>

#include <vole/go.h>
#include <vole/runtime.h>
#include <vole/time.h>

#include "arch/arch.h"
#include "drivers/netdev.h"
#include "drivers/virtio.h"
#include "kernel/heap.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/print.h"
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

/* 5.1.6, in front of every frame. */
struct header {
	uint8_t flags, gso_type;
	uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};
enum { HEADER_NEEDS_CHECKSUM = 1, HEADER_DATA_VALID = 2 };

/* 5.1.6.5.6 */
enum { CONTROL_MQ = 4, CONTROL_MQ_PAIRS = 0, CONTROL_OK = 0 };
enum { CONTROL_QUEUE_SIZE = 4, CONTROL_LIMIT_MS = 1000 };

enum { QUEUE_SIZE = 256, ETHERNET_HEADER = 14, VLAN_TAG = 4, DEFAULT_MTU = 1500 };

/* A buffer begins with its struct netdev_buffer; with this offset the IP header is aligned. */
enum { FRONT = sizeof(struct netdev_buffer) + 2 };
_Static_assert((FRONT + sizeof(struct header) + ETHERNET_HEADER) % 4 == 0, "FRONT");

#define KEEPER_PERIOD (10 * NSEC_PER_MSEC)

/* A frame that the card has; the token in its queue. */
struct sending {
	struct header header;
	void (*done)(void *arg);
	void *arg;
	struct sending *next; /* free */
};

struct pair {
	struct card *card;
	int core;

	/* The receiving coroutine's, from when it has started. */
	struct virtio_queue receive;
	struct event started, received;

	struct spinlock lock;
	/* guarded by lock */
	struct virtio_queue send;
	struct sending *free;
	bool watched; /* the keeper comes by */
};

struct card {
	struct netdev dev; /* first */
	struct virtio *virtio;
	uint32_t room;        /* of a buffer, for header and frame */
	uint32_t most_out;    /* buffers */
	_Atomic uint32_t out; /* that are with others */
	_Atomic bool stopped; /* it has been reset: its memory is ours */

	unsigned npairs, max_pairs; /* used, offered */
	struct pair *pairs;

	/* For the one order that it gets (5.1.6.5). */
	struct virtio_queue control;
	struct {
		uint8_t class, command;
		uint16_t pairs;
		uint8_t answer;
	} order;
};

/* ---- Receiving ---------------------------------------------------------------------------------- */

static struct netdev_buffer *buffer_make(struct card *card)
{
	struct netdev_buffer *b = heap_alloc(FRONT + card->room);

	if (b)
		*b = (struct netdev_buffer){.dev = &card->dev};
	return b;
}

static struct header *header_of(struct netdev_buffer *b)
{
	return (struct header *)((char *)b + FRONT);
}

static bool buffer_put(struct pair *pair, struct netdev_buffer *b)
{
	struct virtio_piece piece = {header_of(b), pair->card->room};

	return virtio_put(&pair->receive, &piece, 0, 1, b);
}

void netdev_release(struct netdev_buffer *b)
{
	struct card *card = (struct card *)b->dev;

	atomic_fetch_sub_explicit(&card->out, 1, memory_order_relaxed);
	heap_free(b);
}

/* The next frame, its buffer replaced by another; NULL: none. */
static struct netdev_buffer *frame_take(struct pair *pair)
{
	struct card *card = pair->card;
	struct netdev_buffer *b, *other;
	uint32_t written;

	while ((b = virtio_take(&pair->receive, &written))) {
		if (written < sizeof(struct header)) {
			virtio_fail(card->virtio,
				    "queue %u: it has received %u bytes, less than a header",
				    pair->receive.index, written);
			heap_free(b);
			return NULL;
		}
		b->size = written - (uint32_t)sizeof(struct header);
		other = NULL;
		if (b->size >= ETHERNET_HEADER &&
		    atomic_load_explicit(&card->out, memory_order_relaxed) < card->most_out)
			other = buffer_make(card);
		buffer_put(pair, other ? other : b); /* there is room: one came out */
		if (!other) {
			atomic_fetch_add_explicit(&card->dev.lost, 1, memory_order_relaxed);
			continue;
		}
		b->data = (uint8_t *)(header_of(b) + 1);
		b->checksum_good = card->dev.checksum_receive &&
				   header_of(b)->flags &
					   (HEADER_NEEDS_CHECKSUM | HEADER_DATA_VALID);
		atomic_fetch_add_explicit(&card->out, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&card->dev.received, 1, memory_order_relaxed);
		return b;
	}
	return NULL;
}

/* All that has come. */
static void receive_all(struct pair *pair)
{
	enum { TELL_AFTER = QUEUE_SIZE / 8 };
	struct netdev *dev = &pair->card->dev;
	struct netdev_buffer *b;
	int n = 0;

	while ((b = frame_take(pair))) {
		if (++n % TELL_AFTER == 0)
			virtio_tell(&pair->receive);
		dev->receive(dev->arg, b);
	}
	virtio_tell(&pair->receive);
}

/* This coroutine is not the program's: it does not count, and does not keep the machine alive. */
static void leave_program(void)
{
	preempt_disable();
	arch_current()->flags |= CO_COUNTED;
	core_here()->exited++;
	preempt_enable();
}

/* Begins on the core that is to get the interrupts. */
static void receiver(void *arg)
{
	struct pair *pair = arg;
	struct virtio_queue *q = &pair->receive;
	struct virtio *v = pair->card->virtio;
	struct netdev_buffer *b;
	int error = v->bus->queue_start(v, q);

	leave_program();
	if (error)
		virtio_fail(v, "queue %u cannot be started (error %d)", q->index, error);
	go_pin(-1);
	event_post(&pair->started);
	do {
		event_wait(&pair->received);
		do {
			virtio_quiet(q);
			receive_all(pair);
		} while (!virtio_call_me(q) && !v->failed);
	} while (!pair->card->stopped);
	while ((b = virtio_take_back(q)))
		heap_free(b);
}

/* ---- Sending ------------------------------------------------------------------------------------ */

/* Frames that were sent, to be told of when the lock is free. */
struct finished {
	int n;
	struct {
		void (*done)(void *arg);
		void *arg;
	} frame[8];
};

static void finish(struct finished *f)
{
	for (int i = 0; i < f->n; i++)
		f->frame[i].done(f->frame[i].arg);
}

/* Takes back what was sent, or (all) what the card had when it was stopped, as far as f has room. */
static void take_sent(struct pair *pair, bool all, struct finished *f)
{
	const int most = sizeof f->frame / sizeof f->frame[0];
	struct sending *s;
	uint32_t written;

	assert_locked(&pair->lock);
	for (f->n = 0; f->n < most; f->n++) {
		s = all ? virtio_take_back(&pair->send) : virtio_take(&pair->send, &written);
		if (!s)
			return;
		f->frame[f->n].done = s->done;
		f->frame[f->n].arg = s->arg;
		s->next = pair->free;
		pair->free = s;
	}
}

static int put(struct pair *pair, const struct netdev_frame *frame)
{
	struct virtio_piece pieces[1 + NETDEV_FRAGMENTS];
	struct sending *s = pair->free;

	assert_locked(&pair->lock);
	if (pair->card->virtio->failed)
		return -ENETDOWN;
	if (!s)
		return -EAGAIN;
	s->header = (struct header){0};
	if (frame->checksum_start) {
		s->header.flags = HEADER_NEEDS_CHECKSUM;
		s->header.checksum_start = frame->checksum_start;
		s->header.checksum_offset = frame->checksum_offset;
	}
	s->done = frame->done;
	s->arg = frame->arg;
	pieces[0] = (struct virtio_piece){&s->header, sizeof s->header};
	for (int i = 0; i < frame->n; i++) {
		/* Stacks are not where their addresses say. */
		kassert((uintptr_t)frame->fragments[i].data < arch_window_base());
		pieces[1 + i] = (struct virtio_piece){frame->fragments[i].data,
						      frame->fragments[i].size};
	}
	if (!virtio_put(&pair->send, pieces, 1 + frame->n, 0, s))
		return -EAGAIN;
	pair->free = s->next;
	virtio_tell(&pair->send);
	return 0;
}

int netdev_send(struct netdev *dev, const struct netdev_frame *frame)
{
	struct card *card = (struct card *)dev;
	struct pair *pair = &card->pairs[frame->flow % card->npairs];
	struct finished finished;
	bool watched;
	int error;

	if (frame->n < 1 || frame->n > NETDEV_FRAGMENTS)
		return -EINVAL;
	if (dev->failed)
		return -ENETDOWN; /* perhaps not even its queues could be made */
	lock(&pair->lock);
	take_sent(pair, false, &finished);
	error = put(pair, frame);
	watched = pair->watched || error;
	pair->watched = pair->watched || !error;
	unlock(&pair->lock);
	finish(&finished);
	if (!watched)
		event_post(&card->virtio->changed);
	if (!error)
		atomic_fetch_add_explicit(&dev->sent, 1, memory_order_relaxed);
	return error;
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

/* True: the card still has frames of this pair. */
static bool collect(struct pair *pair, bool all)
{
	struct finished finished;
	bool more;

	do {
		lock(&pair->lock);
		take_sent(pair, all, &finished);
		more = pair->send.with_device > 0;
		pair->watched = more;
		unlock(&pair->lock);
		finish(&finished);
	} while (finished.n > 0);
	return more;
}

static void look_at_link(struct card *card)
{
	bool up = !virtio_has(card->virtio, F_STATUS) ||
		  arch_io_read16(card->virtio->config + CONFIG_STATUS) & STATUS_LINK_UP;

	if (atomic_exchange(&card->dev.link, up) != up)
		card->dev.changed(card->dev.arg);
}

/* The card has failed. */
static void out_of_service(struct card *card)
{
	card->dev.failed = true;
	card->dev.link = false;
	/* What does not stop keeps the memory it may write to. */
	if (virtio_stop(card->virtio)) {
		card->stopped = true;
		for (unsigned i = 0; i < card->npairs; i++) {
			event_post(&card->pairs[i].received);
			collect(&card->pairs[i], true);
		}
	}
	card->dev.changed(card->dev.arg);
}

static void keeper(void *arg)
{
	struct card *card = arg;
	struct virtio *v = card->virtio;
	bool watching = false;

	leave_program();
	while (!v->failed) {
		uint64_t until = watching ? time_now() + KEEPER_PERIOD : TIME_NEVER;

		if (event_wait_until(&v->changed, until) == 0) {
			if (v->bus->status(v) & VIRTIO_NEEDS_RESET)
				virtio_fail(v, "it asks for a reset");
			else
				look_at_link(card);
		}
		watching = false;
		for (unsigned i = 0; i < card->npairs; i++)
			watching |= collect(&card->pairs[i], false);
	}
	out_of_service(card);
}

/* ---- Starting ----------------------------------------------------------------------------------- */

static int pair_start(struct card *card, unsigned i)
{
	struct pair *pair = &card->pairs[i];
	struct virtio *v = card->virtio;
	struct go_options options = {.core = 1 + (int)i % runtime_cores()};
	struct netdev_buffer *b;
	struct sending *s;
	int error;

	pair->card = card;
	error = virtio_queue_make(&pair->receive, v, 2 * i, QUEUE_SIZE, &pair->received);
	if (!error)
		error = virtio_queue_make(&pair->send, v, 2 * i + 1, QUEUE_SIZE, NULL);
	if (!error && pair->send.size < 1 + NETDEV_FRAGMENTS)
		error = -ENOSPC; /* some frames would never fit */
	if (error)
		return error;
	for (int n = 0; n < pair->receive.size; n++) {
		b = buffer_make(card);
		if (!b)
			return -ENOMEM;
		buffer_put(pair, b);
	}
	for (int n = 0; n < pair->send.size; n++) {
		s = heap_alloc(sizeof *s);
		if (!s)
			return -ENOMEM;
		s->next = pair->free;
		pair->free = s;
	}
	error = v->bus->queue_start(v, &pair->send);
	if (!error)
		error = go_with(&options, receiver, pair);
	if (!error)
		event_wait(&pair->started);
	return error;
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
		if (ms == CONTROL_LIMIT_MS || card->virtio->failed)
			break;
		time_sleep(NSEC_PER_MSEC);
	}
	if (*(volatile uint8_t *)&card->order.answer != CONTROL_OK)
		virtio_fail(card->virtio, "it does not use %u pairs of queues", card->npairs);
}

static int start(struct card *card)
{
	struct virtio *v = card->virtio;
	unsigned npairs = card->npairs;
	int error = 0;

	card->pairs = heap_alloc(npairs * sizeof card->pairs[0]);
	if (!card->pairs)
		return -ENOMEM;
	memset(card->pairs, 0, npairs * sizeof card->pairs[0]);
	for (card->npairs = 0; card->npairs < npairs && !error; card->npairs++)
		error = pair_start(card, card->npairs);
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
	error = start(card);
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
	card->dev.link = !virtio_has(v, F_STATUS) ||
			 arch_io_read16(v->config + CONFIG_STATUS) & STATUS_LINK_UP;
	card->room = (uint32_t)sizeof(struct header) + ETHERNET_HEADER + VLAN_TAG + card->dev.mtu;
	card->most_out = (uint32_t)(page_total() / 8 / (FRONT + card->room));
	if (virtio_has(v, F_MQ) && virtio_has(v, F_CTRL_VQ)) {
		card->max_pairs = arch_io_read16(v->config + CONFIG_MAX_PAIRS);
		card->npairs = (unsigned)runtime_cores();
		if (card->npairs > card->max_pairs)
			card->npairs = card->max_pairs;
		if (card->npairs > v->interrupts)
			card->npairs = v->interrupts;
	}
	log_info("network card %s: %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, features %lx, %u of %u "
		 "pairs of queues\n",
		 v->name, card->dev.mac[0], card->dev.mac[1], card->dev.mac[2], card->dev.mac[3],
		 card->dev.mac[4], card->dev.mac[5], card->dev.mtu, v->features, card->npairs,
		 card->max_pairs);
	return &card->dev;
}
