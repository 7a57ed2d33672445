/*
 * Channels, as in Go (Hoare's CSP with buffers). A sender that finds a receiver waiting copies the
 * value straight to where the receiver wants it; a receiver that finds a full buffer takes the
 * oldest value and lets the first waiting sender fill the place. So at most one of the two queues
 * holds live waiters, receivers wait only when the buffer is empty, senders only when it is full.
 */
#include "kernel/chan.h"

#include <errno.h>
#include <string.h>

#include "kernel/heap.h"
#include "kernel/sched.h"

enum { ELEM_MAX = 64 * 1024 };

struct chan *chan_make(size_t elem_size, size_t capacity)
{
	struct chan *c;
	size_t bytes;

	if (elem_size > ELEM_MAX || __builtin_mul_overflow(elem_size, capacity, &bytes) ||
	    bytes > PTRDIFF_MAX - sizeof(*c)) {
		errno = EINVAL;
		return NULL;
	}
	c = heap_alloc(sizeof(*c) + bytes);
	if (!c) {
		errno = ENOMEM;
		return NULL;
	}
	*c = (struct chan){.elem_size = elem_size, .capacity = capacity};
	return c;
}

void chan_free(struct chan *c)
{
	if (!c)
		return;
	/* The last user may be about to give the lock back. */
	lock(&c->lock);
	if (c->senders.first || c->receivers.first)
		panic("chan_free: a coroutine waits on channel %p", (void *)c);
	unlock(&c->lock);
	heap_free(c);
}

size_t chan_len(const struct chan *c)
{
	return c ? *(const volatile size_t *)&c->count : 0;
}

size_t chan_cap(const struct chan *c)
{
	return c ? c->capacity : 0;
}

static void copy(const struct chan *c, void *to, const void *from)
{
	if (!to || !c->elem_size)
		return;
	if (c->elem_size == 8)
		__builtin_memcpy(to, from, 8);
	else
		memcpy(to, from, c->elem_size);
}

static void *slot(struct chan *c, size_t index)
{
	if (index >= c->capacity)
		index -= c->capacity;
	return c->buffer + index * c->elem_size;
}

/* What a call that cannot go on at once does. */
enum { TRY = 1, WAIT = 0 };

static void check_size(const struct chan *c, size_t size, const char *call)
{
	if (size != c->elem_size && size != CHAN_UNCHECKED)
		panic("%s: channel %p has elements of %zu bytes, not %zu", call, (const void *)c,
		      c->elem_size, size);
}

/* Waits in q until a peer, close or the deadline ends it. The lock is held, and given back. */
static int wait_for_peer(struct chan *c, struct wait_queue *q, enum wait_reason reason, void *elem,
			 uint64_t deadline)
{
	struct wait w;
	struct wait_node node = {.wait = &w, .elem = elem};
	int32_t claim;

	if (deadline != TIME_NEVER && deadline <= arch_clock()) {
		unlock(&c->lock);
		return -ETIMEDOUT;
	}
	wait_open(&w, reason, c);
	wait_queue_put(q, &node);
	spin_unlock(&c->lock);
	claim = wait_park(&w, deadline);
	if (claim < 0) {
		spin_lock(&c->lock);
		wait_queue_remove(q, &node);
		spin_unlock(&c->lock);
	}
	preempt_enable();
	return claim < 0 ? claim : node.ok ? 0 : -EPIPE;
}

/* Hands over to a waiting peer: it is made ready after the lock has gone back. */
static void finish_peer(struct chan *c, struct wait_node *peer)
{
	struct co *co = peer->wait->co;

	peer->ok = true;
	spin_unlock(&c->lock);
	sched_ready(co);
	preempt_enable();
}

static int send(struct chan *c, const void *elem, size_t size, int how, uint64_t deadline)
{
	struct wait_node *peer;

	if (!c)
		return -EINVAL;
	check_size(c, size, "chan_send");
	if (!elem && c->elem_size)
		return -EINVAL;
	lock(&c->lock);
	if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	}
	peer = wait_queue_claim(&c->receivers);
	if (peer) {
		copy(c, peer->elem, elem);
		finish_peer(c, peer);
		return 0;
	}
	if (c->count < c->capacity) {
		copy(c, slot(c, c->head + c->count), elem);
		c->count++;
		unlock(&c->lock);
		return 0;
	}
	if (how == TRY) {
		unlock(&c->lock);
		return -EAGAIN;
	}
	return wait_for_peer(c, &c->senders, WAIT_CHAN_SEND, (void *)elem, deadline);
}

static int receive(struct chan *c, void *elem, size_t size, int how, uint64_t deadline)
{
	struct wait_node *peer;

	if (!c)
		return -EINVAL;
	check_size(c, size, "chan_recv");
	lock(&c->lock);
	if (c->count) {
		copy(c, elem, slot(c, c->head));
		peer = wait_queue_claim(&c->senders);
		if (peer) /* the buffer is full: its value goes into the place that is free now */
			copy(c, slot(c, c->head), peer->elem);
		else
			c->count--;
		if (++c->head == c->capacity)
			c->head = 0;
		if (peer)
			finish_peer(c, peer);
		else
			unlock(&c->lock);
		return 0;
	}
	peer = wait_queue_claim(&c->senders);
	if (peer) {
		copy(c, elem, peer->elem);
		finish_peer(c, peer);
		return 0;
	}
	if (c->closed) {
		unlock(&c->lock);
		if (elem && c->elem_size)
			memset(elem, 0, c->elem_size);
		return -EPIPE;
	}
	if (how == TRY) {
		unlock(&c->lock);
		return -EAGAIN;
	}
	return wait_for_peer(c, &c->receivers, WAIT_CHAN_RECV, elem, deadline);
}

int chan_close(struct chan *c)
{
	struct wait_node *list = NULL, **end = &list, *node;

	if (!c)
		return -EINVAL;
	lock(&c->lock);
	if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	}
	c->closed = true;
	while ((node = wait_queue_claim(&c->receivers))) {
		if (node->elem && c->elem_size)
			memset(node->elem, 0, c->elem_size);
		*end = node;
		end = &node->next;
	}
	while ((node = wait_queue_claim(&c->senders))) {
		*end = node;
		end = &node->next;
	}
	*end = NULL;
	spin_unlock(&c->lock);
	while ((node = list)) {
		list = node->next; /* the node goes when its coroutine runs */
		node->ok = false;
		sched_ready(node->wait->co);
	}
	preempt_enable();
	return 0;
}

int chan_send_sized(struct chan *c, const void *elem, size_t size)
{
	return send(c, elem, size, WAIT, TIME_NEVER);
}

int chan_recv_sized(struct chan *c, void *elem, size_t size)
{
	return receive(c, elem, size, WAIT, TIME_NEVER);
}

int chan_try_send_sized(struct chan *c, const void *elem, size_t size)
{
	return send(c, elem, size, TRY, 0);
}

int chan_try_recv_sized(struct chan *c, void *elem, size_t size)
{
	return receive(c, elem, size, TRY, 0);
}

int chan_send_until_sized(struct chan *c, const void *elem, size_t size, uint64_t deadline)
{
	return send(c, elem, size, WAIT, deadline);
}

int chan_recv_until_sized(struct chan *c, void *elem, size_t size, uint64_t deadline)
{
	return receive(c, elem, size, WAIT, deadline);
}
