/*
 * The run queue of a proc: a ring that only its owner puts into, and anyone may take from. Go's
 * and Tokio's; the owner's put and a thief's take meet in head and tail alone.
 *
 * Also co_list, a plain FIFO of coroutines for those who have a lock, or are alone.
 */
#ifndef KERNEL_RUNQ_H
#define KERNEL_RUNQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct co;

enum { RUNQ_SIZE = 256 };

struct runq {
	_Alignas(64) _Atomic uint32_t head; /* next to take; advanced by compare-and-swap */
	_Alignas(64) _Atomic uint32_t tail; /* next to fill; written by the owner only */
	_Atomic(struct co *) ring[RUNQ_SIZE];
};

/* The owner: to the tail. False: full. */
static inline bool runq_put(struct runq *q, struct co *co)
{
	/* acquire: with the release of a taker's head, so its read of the entry came before. */
	uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (tail - head == RUNQ_SIZE)
		return false;
	atomic_store_explicit(&q->ring[tail % RUNQ_SIZE], co, memory_order_relaxed);
	/* release: with the acquire of tail in runq_take; publishes the entry and *co. */
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return true;
}

/* Anyone: takes up to max of the oldest, but no more than half (rounded up) unless whole. */
static inline uint32_t runq_take(struct runq *q, struct co **into, uint32_t max, bool whole)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
		/* acquire: with the release in runq_put. */
		uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
		uint32_t n = tail - head;

		if (n > RUNQ_SIZE)
			continue; /* head moved on between the two loads */
		if (!whole)
			n -= n / 2;
		if (n > max)
			n = max;
		if (n == 0)
			return 0;
		for (uint32_t i = 0; i < n; i++)
			into[i] = atomic_load_explicit(&q->ring[(head + i) % RUNQ_SIZE],
						       memory_order_relaxed);
#ifdef PLANT_DOUBLE_STEAL
		uint32_t taken = whole ? n : n - 1; /* the fault: the last one stays there too */
#else
		uint32_t taken = n;
#endif
		/* release: with the acquire of head in runq_put, which may now overwrite. */
		if (atomic_compare_exchange_strong_explicit(&q->head, &head, head + taken,
							    memory_order_acq_rel,
							    memory_order_relaxed))
			return n;
	}
}

/* The owner: the oldest, or NULL. */
static inline struct co *runq_get(struct runq *q)
{
	struct co *co;

	return runq_take(q, &co, 1, true) ? co : NULL;
}

/* Anyone: how many there are, roughly. */
static inline uint32_t runq_len(const struct runq *q)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
	uint32_t n = atomic_load_explicit(&q->tail, memory_order_acquire) - head;

	return n > RUNQ_SIZE ? 0 : n;
}

struct co_list {
	struct co *first, *last;
	size_t count;
};

void co_list_put(struct co_list *list, struct co *co);
struct co *co_list_get(struct co_list *list);

#endif
