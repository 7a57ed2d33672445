/*
 * Receiving. A coroutine for each pair of queues takes frames out and hands them on; it waits when
 * there are none, and only then does the queue interrupt. The queue always holds as many buffers:
 * one is handed on only when there is another to take its place, else its frame is lost.
 */
#include <errno.h>

#include <vole/go.h>

#include "drivers/virtio_card.h"
#include "kernel/heap.h"
#include "kernel/shared.h"

/* A buffer begins with its struct netdev_buffer; with this offset the IP header is aligned. */
enum { FRONT = sizeof(struct netdev_buffer) + 2 };
_Static_assert((FRONT + sizeof(struct frame_header) + ETHERNET_HEADER) % 4 == 0, "FRONT");

static struct netdev_buffer *buffer_make(struct card *card)
{
	struct netdev_buffer *b = heap_alloc(FRONT + card->room);

	if (b)
		*b = (struct netdev_buffer){.dev = &card->dev};
	return b;
}

static struct frame_header *frame_header_of(struct netdev_buffer *b)
{
	return (struct frame_header *)((char *)b + FRONT);
}

static bool buffer_put(struct pair *pair, struct netdev_buffer *b)
{
	struct virtio_piece piece = {frame_header_of(b), pair->card->room};

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
		if (written < sizeof(struct frame_header)) {
			virtio_fail(card->virtio,
				    "queue %u: it has received %u bytes, less than a header",
				    pair->receive.index, written);
			heap_free(b);
			return NULL;
		}
		b->size = written - (uint32_t)sizeof(struct frame_header);
		other = NULL;
		if (b->size >= ETHERNET_HEADER &&
		    atomic_load_explicit(&card->out, memory_order_relaxed) < card->most_out)
			other = buffer_make(card);
		buffer_put(pair, other ? other : b); /* there is room: one came out */
		if (!other) {
			atomic_fetch_add_explicit(&card->dev.lost, 1, memory_order_relaxed);
			continue;
		}
		b->data = (uint8_t *)(frame_header_of(b) + 1);
		b->checksum_good = card->dev.checksum_receive &&
				   frame_header_of(b)->flags &
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

static int fill_queue(struct pair *pair)
{
	struct netdev_buffer *b;

	for (int i = 0; i < pair->receive.size; i++) {
		b = buffer_make(pair->card);
		if (!b)
			return -ENOMEM;
		buffer_put(pair, b);
	}
	return 0;
}

void pair_receive(void *arg)
{
	struct pair *pair = arg;
	struct virtio_queue *q = &pair->receive;
	struct virtio *v = pair->card->virtio;
	struct netdev_buffer *b;
	int error = fill_queue(pair);

	card_leave_program();
	if (!error)
		error = v->bus->queue_start(v, q);
	if (error)
		virtio_fail(v, "queue %u cannot be started (error %d)", q->index, error);
	go_pin(-1);
	event_post(&pair->started);
	do {
		event_wait(&pair->received);
		do {
			virtio_quiet(q);
			receive_all(pair);
		} while (!virtio_call_me(q) && !virtio_failed(v));
	} while (!shared_get(pair->card->stopped));
	while ((b = virtio_take_back(q)))
		heap_free(b);
}
