/*
 * Channels, as in Go (Hoare's CSP with buffers). A sender that finds a receiver waiting copies the
 * value straight to where the receiver wants it; a receiver that finds a full buffer takes the
 * oldest value and lets the first waiting sender fill the place. So at most one of the two queues
 * holds live waiters, receivers wait only when the buffer is empty, senders only when it is full.
 */
#include "sync/chan.h" /* PLANT_CLAIM_ORDER, PLANT_SKIP_FIFO, PLANT_RELAXED_UNLOCK */
#include "debug/calls.h"

#include <errno.h>
#include <string.h>

#include "debug/order.h"
#include "debug/trace.h"
#include "kernel/heap.h"
#include "kernel/sched.h"

enum { ELEM_MAX = 64 * 1024 };

struct chan *chan_make(size_t elem_size, size_t capacity)
{
	struct chan *c;
	size_t bytes;

	call_outside_handler("chan_make");
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
	memory_owed(c);
	*c = (struct chan){.elem_size = elem_size, .capacity = capacity};
	return c;
}

/* Lock held: takes out the losing cases of selects that have been served elsewhere. False: one of
 * them is about to do so by itself. */
static bool drop_losers(struct chan *c, struct wait_queue *q)
{
	bool all = true;

	for (struct wait_node *node = q->first, *next; node; node = next) {
		next = node->next;
		if (atomic_load_explicit(&node->co->claim, memory_order_relaxed) < 0)
			panic("chan_free: a coroutine waits on channel %p", (void *)c);
		all &= wait_queue_drop(q, node);
	}
	return all;
}

void chan_free(struct chan *c)
{
	bool unused;

	call_outside_handler("chan_free");
	if (!c)
		return;
	if (c->timer)
		chan_timer_free(c);
	/* The last user may be about to give the lock back. */
	do {
		lock(&c->lock);
		unused = drop_losers(c, &c->senders);
		unused &= drop_losers(c, &c->receivers);
		unlock(&c->lock);
	} while (!unused);
	heap_free(c);
}

size_t chan_len(const struct chan *c)
{
	call_outside_handler("chan_len");
	return c ? shared_get(c->count) : 0;
}

size_t chan_cap(const struct chan *c)
{
	call_outside_handler("chan_cap");
	return c ? c->capacity : 0;
}

static inline void chan_copy(const struct chan *c, void *to, const void *from)
{
	if (!to || !c->elem_size)
		return;
	/* The usual sizes without a call. */
	if (c->elem_size == sizeof(uint64_t))
		__builtin_memcpy(to, from, sizeof(uint64_t));
	else if (c->elem_size == sizeof(uint32_t))
		__builtin_memcpy(to, from, sizeof(uint32_t));
	else
		memcpy(to, from, c->elem_size);
}

static inline void *slot(struct chan *c, size_t index)
{
	if (index >= c->capacity)
		index -= c->capacity;
	return c->buffer + index * c->elem_size;
}

/* The value in a slot is put there before it is taken, and taken before the next one is put there. */
static inline void order_slot(const void *slot)
{
	order_in(slot);
	order_out(slot);
}

/* A value goes from one coroutine to another, the caller and peer. Without a buffer each meets the
 * other; else only the send is before the receive. */
static inline void order_handed(const struct chan *c, const struct wait_node *peer, bool to_peer)
{
	if (!c->capacity || to_peer)
		order_to(peer->co);
	if (!c->capacity || !to_peer)
		order_from(peer->co);
}

/* What a call that cannot go on at once does. */
enum how { TRY, WAIT };

static const char *wrong_call;

static void *report_size(void *chan, void *size)
{
	const struct chan *c = chan;

	panic("%s: channel %p has elements of %zu bytes, not %zu", wrong_call, chan, c->elem_size,
	      (size_t)size);
}

static __attribute__((noinline, cold)) void check_size(const struct chan *c, size_t size,
						       const char *call)
{
	if (size == CHAN_UNCHECKED)
		return;
	preempt_disable();
	wrong_call = call;
	core_report(report_size, (void *)c, (void *)size);
}

/* A peer that waited has been served: it is to be made ready when the lock has been given back. */
static struct co *served(struct wait_node *peer)
{
	peer->ok = true;
	return peer->co;
}

inline __attribute__((always_inline)) int chan_send_now(struct chan *c, const void *elem,
							struct co **wake)
{
	struct wait_node *peer;

	assert_locked(&c->lock);
	if (c->closed) {
		order_in(c);
		return -EPIPE;
	}
	peer = wait_queue_claim(&c->receivers);
	if (peer) {
		order_handed(c, peer, true);
		chan_copy(c, peer->elem, elem);
		*wake = served(peer);
		return 0;
	}
	if (c->count == c->capacity)
		return -EAGAIN;
	order_slot(slot(c, c->head + c->count));
	chan_copy(c, slot(c, c->head + c->count), elem);
	shared_add(c->count, 1);
	return 0;
}

inline __attribute__((always_inline)) int chan_recv_now(struct chan *c, void *elem,
							struct co **wake)
{
	struct wait_node *peer;

	assert_locked(&c->lock);
	if (c->count) {
		order_slot(slot(c, c->head));
		chan_copy(c, elem, slot(c, c->head));
		peer = wait_queue_claim(&c->senders);
		if (peer) { /* the buffer was full: the value goes into the place free now */
			order_in_of(peer->co, slot(c, c->head));
			order_out_of(peer->co, slot(c, c->head));
			chan_copy(c, slot(c, c->head), peer->elem);
			*wake = served(peer);
		} else {
			shared_add(c->count, -1);
		}
		if (++c->head == c->capacity)
			c->head = 0;
		return 0;
	}
	peer = wait_queue_claim(&c->senders);
	if (peer) {
		order_handed(c, peer, false);
		chan_copy(c, elem, peer->elem);
		*wake = served(peer);
		return 0;
	}
	if (!c->closed)
		return -EAGAIN;
	order_in(c);
	if (elem && c->elem_size)
		memset(elem, 0, c->elem_size);
	return -EPIPE;
}

/* Waits in q until a peer, close or the deadline ends it. The lock is held, and given back; and
 * preemption is let in again. */
static inline __attribute__((always_inline)) int wait_for(struct chan *c, struct wait_queue *q,
							  enum wait_reason reason, void *elem,
							  uint64_t deadline)
{
	struct wait_node node;

	node.value = 0;
	node.ok = false;
	node.elem = elem;
	wait_in(q, &node, &c->lock, reason, c, deadline);
	/* preempt_enable may stop here, too: no result is in a register then, as in wait_in. */
	if (likely(node.ok)) {
		preempt_enable();
		return 0;
	}
	if (node.value >= 0)
		node.value = -EPIPE;
	preempt_enable();
	return node.value;
}

/* Called last by send and receive, so that both come back the same way (see switch_to). */
static ARCH_RETURN __attribute__((noinline)) int wait_for_peer(struct chan *c, struct wait_queue *q,
							       enum wait_reason reason, void *elem)
{
	return wait_for(c, q, reason, elem, TIME_NEVER);
}

/* The same with a deadline, which takes more stack. */
static __attribute__((noinline)) int wait_for_peer_until(struct chan *c, struct wait_queue *q,
							 enum wait_reason reason, void *elem,
							 uint64_t deadline)
{
	return wait_for(c, q, reason, elem, deadline);
}

/* Gives the lock back, wakes the peer that was served, and makes the result the caller's. */
static inline int chan_leave(struct chan *c, struct co *wake, int result, enum how how)
{
	spin_unlock(&c->lock);
	if (wake)
		sched_ready(wake);
	preempt_enable();
	return unlikely(result == -EAGAIN) && how == WAIT ? -ETIMEDOUT : result;
}

/* What is left to do when the channel is locked. */
static inline __attribute__((always_inline)) int send_locked(struct chan *c, const void *elem,
							     enum how how, uint64_t deadline,
							     bool is_traced)
{
	struct co *wake = NULL;
	int result = chan_send_now(c, elem, &wake);

	if (is_traced && !result)
		trace_send(c, wake);
	if (unlikely(result == -EAGAIN) && how == WAIT && !wait_expired(deadline))
		return deadline == TIME_NEVER
			       ? wait_for_peer(c, &c->senders, WAIT_CHAN_SEND, (void *)elem)
			       : wait_for_peer_until(c, &c->senders, WAIT_CHAN_SEND, (void *)elem,
						     deadline);
	return chan_leave(c, wake, result, how);
}

/* Preemption is held off. Without a deadline it takes less stack. */
static __attribute__((noinline)) int send_traced(struct chan *c, const void *elem, enum how how)
{
	spin_lock(&c->lock);
	return send_locked(c, elem, how, TIME_NEVER, true);
}

static __attribute__((noinline)) int send_traced_until(struct chan *c, const void *elem,
						       uint64_t deadline)
{
	spin_lock(&c->lock);
	return send_locked(c, elem, WAIT, deadline, true);
}

static inline __attribute__((always_inline)) int send(struct chan *c, const void *elem, size_t size,
						      enum how how, uint64_t deadline)
{
	if (unlikely(!c))
		return -EINVAL;
	if (unlikely(size != c->elem_size))
		check_size(c, size, "chan_send");
	if (unlikely(!elem) && c->elem_size)
		return -EINVAL;
	if (how == WAIT && wait_cancelled())
		return -ECANCELED;
	order_reads(elem, c->elem_size);
	if (unlikely(!lock_untraced(&c->lock)))
		return how == WAIT && deadline != TIME_NEVER ? send_traced_until(c, elem, deadline)
							     : send_traced(c, elem, how);
	return send_locked(c, elem, how, deadline, TRACE_ALWAYS);
}

static inline __attribute__((always_inline)) int receive_locked(struct chan *c, void *elem,
								enum how how, uint64_t deadline,
								bool is_traced)
{
	struct co *wake = NULL;
	int result = chan_recv_now(c, elem, &wake);

	if (is_traced && !result)
		trace_receive(c, wake);
	if (how == TRY && !result)
		order_writes(elem, c->elem_size);
	if (unlikely(result == -EAGAIN) && how == WAIT && !wait_expired(deadline))
		return deadline == TIME_NEVER
			       ? wait_for_peer(c, &c->receivers, WAIT_CHAN_RECV, elem)
			       : wait_for_peer_until(c, &c->receivers, WAIT_CHAN_RECV, elem,
						     deadline);
	return chan_leave(c, wake, result, how);
}

static __attribute__((noinline)) int receive_traced(struct chan *c, void *elem, enum how how)
{
	spin_lock(&c->lock);
	return receive_locked(c, elem, how, TIME_NEVER, true);
}

static __attribute__((noinline)) int receive_traced_until(struct chan *c, void *elem,
							  uint64_t deadline)
{
	spin_lock(&c->lock);
	return receive_locked(c, elem, WAIT, deadline, true);
}

static inline __attribute__((always_inline)) int receive(struct chan *c, void *elem, size_t size,
							 enum how how, uint64_t deadline)
{
	if (unlikely(!c))
		return -EINVAL;
	if (unlikely(size != c->elem_size))
		check_size(c, size, "chan_recv");
	if (how == WAIT && wait_cancelled())
		return -ECANCELED;
	if (how == WAIT) /* else elem may stay as it is */
		order_writes(elem, c->elem_size);
	if (unlikely(!lock_untraced(&c->lock)))
		return how == WAIT && deadline != TIME_NEVER
			       ? receive_traced_until(c, elem, deadline)
			       : receive_traced(c, elem, how);
	return receive_locked(c, elem, how, deadline, TRACE_ALWAYS);
}

int chan_close(struct chan *c)
{
	struct wait_node *receivers, *senders;

	call_outside_handler("chan_close");
	if (!c)
		return -EINVAL;
	lock(&c->lock);
	if (c->closed) {
		unlock(&c->lock);
		return -EPIPE;
	}
	c->closed = true;
	order_out(c);
	receivers = wait_queue_claim_all(&c->receivers);
	senders = wait_queue_claim_all(&c->senders);
#ifdef PLANT_CLOSE_FORGETS
	if (receivers)
		receivers->next = NULL;
#endif
	for (struct wait_node *node = receivers; node && c->elem_size; node = node->next)
		if (node->elem)
			memset(node->elem, 0, c->elem_size);
	for (struct wait_node *node = receivers; ORDER_KEPT && node; node = node->next)
		order_to(node->co);
	for (struct wait_node *node = senders; ORDER_KEPT && node; node = node->next)
		order_to(node->co);
	spin_unlock(&c->lock);
	wait_ready_all(receivers); /* with node->ok false: nothing was handed over */
	wait_ready_all(senders);
	preempt_enable();
	return 0;
}

int chan_send_sized(struct chan *c, const void *elem, size_t size)
{
	call_may_wait("chan_send");
	return send(c, elem, size, WAIT, TIME_NEVER);
}

int chan_recv_sized(struct chan *c, void *elem, size_t size)
{
	call_may_wait("chan_recv");
	return receive(c, elem, size, WAIT, TIME_NEVER);
}

int chan_try_send_sized(struct chan *c, const void *elem, size_t size)
{
	call_outside_handler("chan_try_send");
	return send(c, elem, size, TRY, 0);
}

int chan_try_recv_sized(struct chan *c, void *elem, size_t size)
{
	call_outside_handler("chan_try_recv");
	return receive(c, elem, size, TRY, 0);
}

int chan_send_until_sized(struct chan *c, const void *elem, size_t size, uint64_t deadline)
{
	call_may_wait("chan_send_until");
	return send(c, elem, size, WAIT, deadline);
}

int chan_recv_until_sized(struct chan *c, void *elem, size_t size, uint64_t deadline)
{
	call_may_wait("chan_recv_until");
	return receive(c, elem, size, WAIT, deadline);
}
