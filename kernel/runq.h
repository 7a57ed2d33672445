/*
 * The run queue of a proc, in two parts. What its owner takes is private: a FIFO without atomics, in
 * chunks of a page, so that it holds any number. What others may steal is in a ring (Go's, Tokio's):
 * its owner alone puts into it, while others are idle, and anyone takes. The ring holds what is
 * older, so its owner takes from there first.
 */
#ifndef KERNEL_RUNQ_H
#define KERNEL_RUNQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "debug/order.h"
#include "kernel/co.h"

/* Entries that are looked at before their turn, so that they are in the cache then. */
enum { RUNQ_AHEAD = 4 };

/* A page. A place in the queue that is at the end of a page is the first of the next chunk. */
struct runq_chunk {
	struct runq_chunk *next;
	struct co *co[PAGE_SIZE / sizeof(void *) - 1];
};

/* Owner only, but for len. */
struct runq {
	struct co **head, **tail; /* next to take, and to fill; NULL: never used */
	_Atomic uint32_t len;     /* read by anyone */
};

static inline bool runq_chunk_ends(struct co **at)
{
	return (uintptr_t)at % PAGE_SIZE == 0;
}

/* The tail goes to a new chunk. False: no memory. */
bool runq_grow(struct runq *q);
/* The head goes to the next chunk. */
void runq_advance(struct runq *q);
/* The chunk of an empty queue becomes another (page_renew). */
void runq_renew(struct runq *q);

static inline uint32_t runq_len(const struct runq *q)
{
	return atomic_load_explicit(&q->len, memory_order_relaxed);
}

static inline bool runq_put(struct runq *q, struct co *co)
{
	if (unlikely(runq_chunk_ends(q->tail)) && !runq_grow(q))
		return false;
	*q->tail++ = co;
	atomic_store_explicit(&q->len, runq_len(q) + 1, memory_order_relaxed);
	return true;
}

/* Of so many the first, in the chunk of the head, is taken; those after it are needed soon. */
static inline struct co *runq_take(struct runq *q, uint32_t len)
{
	struct co **at = q->head++;

	if (len > RUNQ_AHEAD && (uintptr_t)at % PAGE_SIZE < PAGE_SIZE - RUNQ_AHEAD * sizeof(*at)) {
		const char *sp = at[RUNQ_AHEAD / 2]->sp;

		__builtin_prefetch(at[RUNQ_AHEAD]);
		__builtin_prefetch(sp);
		__builtin_prefetch(sp + 64);
		__builtin_prefetch(sp + 128);
	}
	return *at;
}

/* The first can be taken at once: there is one, and it is in the chunk of the head. */
static inline bool runq_can_get(const struct runq *q)
{
	return runq_len(q) && !runq_chunk_ends(q->head);
}

/* The oldest, where runq_can_get. */
static inline struct co *runq_get_soon(struct runq *q)
{
	uint32_t len = runq_len(q);

	atomic_store_explicit(&q->len, len - 1, memory_order_relaxed);
	return runq_take(q, len);
}

/* runq_put and runq_get at once, where that is plain. */
static inline bool runq_can_rotate(const struct runq *q)
{
	return runq_can_get(q) && !runq_chunk_ends(q->tail);
}

static inline struct co *runq_rotate(struct runq *q, struct co *co)
{
	*q->tail++ = co;
	return runq_take(q, runq_len(q));
}

/* The oldest, or NULL. */
static inline struct co *runq_get(struct runq *q)
{
	if (!runq_len(q))
		return NULL;
	if (runq_chunk_ends(q->head))
		runq_advance(q);
	return runq_get_soon(q);
}

#ifndef ARCH_EXPLORES
enum { STEAL_RING_SIZE = 256 };
#else
enum { STEAL_RING_SIZE = 8 }; /* so that it is full, and begins anew, in short runs, too */
#endif
enum { STEAL_MAX = STEAL_RING_SIZE / 2 };

struct steal_ring {
	_Alignas(64) _Atomic uint32_t head; /* next to take; advanced by compare-and-swap */
	_Alignas(64) _Atomic uint32_t tail; /* next to fill; written by the owner only */
	_Atomic(struct co *) co[STEAL_RING_SIZE];
};

/* The owner: so many more fit. */
static inline uint32_t steal_ring_room(const struct steal_ring *ring)
{
	/* acquire: with the release of a taker's head, so its read of the entry came before. */
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

	return STEAL_RING_SIZE - (atomic_load_explicit(&ring->tail, memory_order_relaxed) - head);
}

/* The owner, where there is room: to the tail. */
static inline void steal_ring_put(struct steal_ring *ring, struct co *co)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	order_anew(&ring->co[tail % STEAL_RING_SIZE]);
	atomic_store_explicit(&ring->co[tail % STEAL_RING_SIZE], co, memory_order_relaxed);
	/* release: with the acquire of tail in steal_ring_take; publishes the entry and *co. */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

/* Anyone: takes up to max of the oldest, but no more than half (rounded up) unless whole. */
static inline uint32_t steal_ring_take(struct steal_ring *ring, struct co **into, uint32_t max,
				       bool whole)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
		/* acquire: with the release in steal_ring_put. */
		uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		uint32_t n = tail - head;

		if (n > STEAL_RING_SIZE)
			continue; /* the tail is older than the head */
		if (!whole)
			n -= n / 2;
		if (n > max)
			n = max;
		if (n == 0)
			return 0;
		for (uint32_t i = 0; i < n; i++)
			into[i] = atomic_load_explicit(&ring->co[(head + i) % STEAL_RING_SIZE],
						       memory_order_relaxed);

		unsigned read = order_time();

#ifdef PLANT_DOUBLE_STEAL
		/* The fault: the last of many stays there too. */
		uint32_t taken = whole || n < 2 + STEAL_MAX / 16 ? n : n - 1;
#else
		uint32_t taken = n;
#endif
		/* release: with the acquire of head in steal_ring_room, after which it is overwritten. */
		if (atomic_compare_exchange_strong_explicit(&ring->head, &head, head + taken,
							    memory_order_release,
							    memory_order_relaxed)) {
			for (uint32_t i = 0; ORDER_KEPT && i < n; i++)
				order_done(&ring->co[(head + i) % STEAL_RING_SIZE], read);
			return n;
		}
	}
}

/* Anyone: how many there are, roughly. */
static inline uint32_t steal_ring_len(const struct steal_ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&ring->tail, memory_order_relaxed) - head;

	return n > STEAL_RING_SIZE ? 0 : n;
}

#endif
