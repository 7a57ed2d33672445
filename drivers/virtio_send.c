/*
 * Sending. Whoever sends takes back what the card is done with, and the card's keeper (virtio_net.c)
 * does while nobody sends. So nobody is interrupted for what was sent.
 */
#include <errno.h>

#include "arch/arch.h"
#include "drivers/virtio_card.h"
#include "kernel/heap.h"
#include "kernel/lock.h"

/* A frame that the card has; the token in its queue. */
struct sending {
	struct frame_header header;
	void (*done)(void *arg);
	void *arg;
	struct sending *next; /* free */
};

/* Frames that were sent, to be told of when the lock is free. */
struct finished {
	int n;
	struct {
		void (*done)(void *arg);
		void *arg;
	} frame[8];
};

static void finish_frames(struct finished *f)
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

static int put_frame(struct pair *pair, const struct netdev_frame *frame)
{
	struct virtio_piece pieces[1 + NETDEV_FRAGMENTS];
	struct sending *s = pair->free;

	assert_locked(&pair->lock);
	if (virtio_failed(pair->card->virtio))
		return -ENETDOWN;
	if (!s)
		return -EAGAIN;
	s->header = (struct frame_header){0};
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
		kassert((uintptr_t)frame->fragments[i].data < ARCH_WINDOW_BASE);
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
	struct pair *pair;
	struct finished finished;
	bool watched;
	int error;

	if (frame->n < 1 || frame->n > NETDEV_FRAGMENTS)
		return -EINVAL;
	if (atomic_load_explicit(&dev->failed, memory_order_relaxed))
		return -ENETDOWN; /* perhaps not even its queues could be made */
	pair = &card->pairs[frame->flow % card->npairs];
	lock(&pair->lock);
	take_sent(pair, false, &finished);
	error = put_frame(pair, frame);
	watched = pair->watched || error;
	pair->watched = pair->watched || !error;
	unlock(&pair->lock);
	finish_frames(&finished);
	if (!watched)
		event_post(&card->virtio->changed);
	if (!error)
		atomic_fetch_add_explicit(&dev->sent, 1, memory_order_relaxed);
	return error;
}

bool pair_collect(struct pair *pair, bool all)
{
	struct finished finished;
	bool more;

	do {
		lock(&pair->lock);
		take_sent(pair, all, &finished);
		more = pair->send.with_device > 0;
		pair->watched = more;
		unlock(&pair->lock);
		finish_frames(&finished);
	} while (finished.n > 0);
	return more;
}

int pair_send_start(struct pair *pair)
{
	struct virtio *v = pair->card->virtio;
	struct sending *s = heap_alloc(pair->send.size * sizeof *s);

	if (!s)
		return -ENOMEM;
	for (int i = 0; i < pair->send.size; i++, s++) {
		s->next = pair->free;
		pair->free = s;
	}
	return v->bus->queue_start(v, &pair->send);
}
