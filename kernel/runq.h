/*
 * The run queue of a proc, in two parts. What its owner takes is private: a FIFO without atomics, in
 * chunks of a page, so that it holds any number. What others may steal is in a ring (Go's, Tokio's):
 * its owner alone puts into it, while others are idle, and anyone takes. The ring holds what is
 * older, so its owner takes from there first.
 *
 * Also co_list, a plain FIFO of coroutines for those who have a lock, or are alone.
 */
#ifndef KERNEL_RUNQ_H
#define KERNEL_RUNQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/co.h"

/* Entries that are looked at before their turn, so that they are in the cache then. */
enum { RUNQ_AHEAD = 4 };

struct runq_chunk {
	struct runq_chunk *next;
	struct co *co[PAGE_SIZE / sizeof(void *) - 1];
};

/* Owner only, but for len. */
struct runq {
	struct co **head, **head_end; /* next to take, and the end of its chunk */
	struct co **tail, **tail_end; /* next to fill, and the end of its chunk */
	struct runq_chunk *first, *last, *spare;
	_Atomic uint32_t len; /* read by anyone */
};

/* The chunk of the tail is full: another, or, where the queue is empty, the same from its beginning.
 * False: no memory. */
bool runq_grow(struct runq *q);
/* The chunk of the head is empty, and another has more. */
void runq_advance(struct runq *q);

static inline uint32_t runq_len(const struct runq *q)
{
	return atomic_load_explicit(&q->len, memory_order_relaxed);
}

static inline bool runq_put(struct runq *q, struct co *co)
{
	if (unlikely(q->tail == q->tail_end) && !runq_grow(q))
		return false;
	*q->tail++ = co;
	atomic_store_explicit(&q->len, runq_len(q) + 1, memory_order_relaxed);
	return true;
}

/* What was at at, the head, is taken; those after it are needed soon. */
static inline struct co *runq_taken(const struct runq *q, struct co **at, uint32_t len)
{
	if (q->head_end - at > RUNQ_AHEAD && len > RUNQ_AHEAD) {
		const char *sp = at[RUNQ_AHEAD / 2]->sp;

		__builtin_prefetch(at[RUNQ_AHEAD]);
		__builtin_prefetch(sp);
		__builtin_prefetch(sp + 64);
		__builtin_prefetch(sp + 128);
	}
	return *at;
}

/* As runq_get where runq_can_get. */
static inline struct co *runq_get_soon(struct runq *q)
{
	uint32_t len = runq_len(q);

	atomic_store_explicit(&q->len, len - 1, memory_order_relaxed);
	return runq_taken(q, q->head++, len);
}

/* The oldest, or NULL. */
static inline struct co *runq_get(struct runq *q)
{
	uint32_t len = runq_len(q);

	if (len == 0)
		return NULL;
	if (unlikely(q->head == q->head_end))
		runq_advance(q);

	return runq_get_soon(q);
}

/* Something is in it, and no chunk is at its end. */
static inline bool runq_can_get(const struct runq *q)
{
	return runq_len(q) && q->head != q->head_end;
}

static inline bool runq_can_rotate(const struct runq *q)
{
	return runq_can_get(q) && q->tail != q->tail_end;
}

/* As runq_put and runq_get. */
static inline struct co *runq_rotate(struct runq *q, struct co *co)
{
	*q->tail++ = co;
	return runq_taken(q, q->head++, runq_len(q));
}

enum { STEAL_RING_SIZE = 256, STEAL_MAX = STEAL_RING_SIZE / 2 };

struct steal_ring {
	_Alignas(64) _Atomic uint32_t head; /* next to take; advanced by compare-and-swap */
	_Alignas(64) _Atomic uint32_t tail; /* next to fill; written by the owner only */
	_Atomic(struct co *) co[STEAL_RING_SIZE];
};

/* The owner: to the tail. False: full. */
static inline bool steal_ring_put(struct steal_ring *ring, struct co *co)
{
	/* acquire: with the release of a taker's head, so its read of the entry came before. */
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail - head == STEAL_RING_SIZE)
		return false;
	atomic_store_explicit(&ring->co[tail % STEAL_RING_SIZE], co, memory_order_relaxed);
	/* release: with the acquire of tail in steal_ring_take; publishes the entry and *co. */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
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
#ifdef PLANT_DOUBLE_STEAL
		/* The fault: the last of many stays there too. */
		uint32_t taken = whole || n < 16 ? n : n - 1;
#else
		uint32_t taken = n;
#endif
		/* release: with the acquire of head in steal_ring_put, which may now overwrite. */
		if (atomic_compare_exchange_strong_explicit(&ring->head, &head, head + taken,
							    memory_order_release,
							    memory_order_relaxed))
			return n;
	}
}

/* Anyone: how many there are, roughly. */
static inline uint32_t steal_ring_len(const struct steal_ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&ring->tail, memory_order_relaxed) - head;

	return n > STEAL_RING_SIZE ? 0 : n;
}

/* The owner: so many more fit. */
static inline uint32_t steal_ring_room(const struct steal_ring *ring)
{
	return STEAL_RING_SIZE - steal_ring_len(ring);
}

struct co_list {
	struct co *first, *last;
	size_t count;
};

void co_list_put(struct co_list *list, struct co *co);
struct co *co_list_get(struct co_list *list);

#endif
