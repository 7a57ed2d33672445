/*
 * Waiting: one mechanism for everything that stops a coroutine.
 *
 * A coroutine has one wait at a time, and for it a claim word. That is WAIT_OPEN until somebody
 * (a peer, the deadline, the cancellation, one of several select cases) changes it to a value of
 * its own: that one has won, does what belongs to its win, and makes the coroutine ready; all
 * others find the word taken and leave the coroutine alone. So every wait ends once, with one
 * result; and no wait is opened while anybody may still try to claim the one before.
 *
 * A wait_node is the wait's place in one object's queue, guarded by that object's lock. It is on the
 * waiter's stack, and the waiter takes it out, under the same lock, before it returns. The losing
 * nodes of a select are the exception: by the time it runs, the coroutine that served it may have
 * freed the other objects. So such a node is taken out by whoever marks it first. If the select does
 * (WAIT_LEAVING), the object is not freed before it has taken the node out. If a user of the object
 * does (WAIT_TAKEN), the select leaves the object alone.
 */
#ifndef SYNC_WAIT_H
#define SYNC_WAIT_H

#include <errno.h>
#include <stdatomic.h>

#include <vole/task.h>

#include "debug/calls.h"
#include "debug/order.h"
#include "debug/who.h"
#include "kernel/lock.h"
#include "kernel/sched.h"

/* The claim word: values from 0 on are the winner's, negative errno values end a wait in vain. */
enum { WAIT_OPEN = INT32_MIN };

enum wait_place {
	WAIT_OUT, /* in no queue */
	WAIT_QUEUED,
	WAIT_TAKEN,   /* being taken out by another than its coroutine, who may not return yet */
	WAIT_LEAVING, /* its coroutine will take it out: it stays in the queue until then */
};

struct wait_node {
	struct wait_node *next, *prev;
	struct co *co;
	int32_t value;         /* what the claim becomes when this node's object wins */
	_Atomic uint8_t place; /* enum wait_place */
	bool ok;               /* for the object: what the win means */
	void *elem;
};

/* The calling coroutine goes on to wait for object. nopreempt > 0. */
static inline void wait_open(enum wait_reason reason, const void *object)
{
	struct co *self = arch_current();

	assert_nopreempt();
	if (unlikely(!call_by_coroutine(self)))
		call_forbidden(wait_reason_names[reason]);
	atomic_store_explicit(&self->claim, WAIT_OPEN, memory_order_relaxed);
	shared_set(self->wait_object, object);
	shared_set(self->wait_reason, (uint8_t)reason);
	shared_set(self->wait_since, self->core->now);
	shared_set(self->state, CO_WAITING);
}

/* True: the caller has won the wait of co with value, and must call sched_ready(co). */
static inline bool wait_claim(struct co *co, int32_t value)
{
	intptr_t open = WAIT_OPEN;

#ifdef PLANT_CLAIM_ORDER
	if (atomic_load_explicit(&co->claim, memory_order_relaxed) != open)
		return false;
	for (volatile int i = 0; i < 20000; i++)
		;
	atomic_store_explicit(&co->claim, value, memory_order_relaxed);
	return true;
#endif
	/* Interrupt handlers claim too. */
	if (!(smp_how() & SMP_CORES))
		return arch_swap_here((uintptr_t *)&co->claim, (uintptr_t)open, (uintptr_t)value);
	/* It orders nothing else: the winner has found the wait under a lock or by an acquire, and
	 * what it does is seen by the waiter when that has been made ready. */
	return atomic_compare_exchange_strong_explicit(&co->claim, &open, value,
						       memory_order_relaxed, memory_order_relaxed);
}

static inline int32_t wait_claim_of(const struct co *co)
{
	return (int32_t)atomic_load_explicit(&co->claim, memory_order_relaxed);
}

/* Stops until the wait is claimed; the claim. The waiter's nodes are queued, and no lock is held. The
 * caller holds preemption off once. */
static inline int32_t wait_park(void)
{
	sched_park();
	return wait_claim_of(arch_current());
}

/* The same, and next, whose wait the caller has claimed, runs in its place; NULL: whoever may. */
int32_t wait_park_after(struct co *next, bool cancellable);

/* For wait_park_cancellable: with a deadline. */
int32_t wait_park_until(uint64_t deadline);

/* For the same, where wait_is_member: before it parks, and after. wait_member_begin is false where the group was
 * cancelled before, and the wait has ended so; wait_member_end returns the claim. */
bool wait_member_begin(void);
int32_t wait_member_end(void);

/* A cancellation of its group ends the waits of self. */
static inline bool wait_is_member(const struct co *self)
{
	return unlikely(self->group) && !(self->flags & CO_SHIELDED);
}

/* As wait_park, for a wait that its deadline (TIME_NEVER: none) and the cancellation of the
 * coroutine's group (-ECANCELED) end too. */
static inline int32_t wait_park_cancellable(uint64_t deadline)
{
	if (deadline != TIME_NEVER)
		return wait_park_until(deadline);
	if (wait_is_member(arch_current())) {
		if (!wait_member_begin())
			return -ECANCELED;
		/* From here, so that neither of the other two has a frame on the stack of who waits. */
		sched_park();
		return wait_member_end();
	}
	return wait_park();
}

/* Why g was cancelled; 0: it was not. Else the caller sees what came before the cancellation. */
static inline int32_t wait_error_of(const struct group *g)
{
	/* acquire: with the release in group.c's cancel_one. */
	int32_t error = atomic_load_explicit(&g->error, memory_order_acquire);

	if (unlikely(error))
		order_in_always(&g->error);
	return error;
}

/* The calling coroutine is a member of a cancelled group, and not shielded. */
static inline bool wait_cancelled(void)
{
	const struct co *self = arch_current();

	return wait_is_member(self) && wait_error_of(self->group);
}

/* The deadline has passed. */
static inline bool wait_expired(uint64_t deadline)
{
	return deadline != TIME_NEVER && deadline <= arch_clock();
}

/* FIFO; the object's lock is held. */
static inline void wait_queue_put(struct wait_queue *q, struct wait_node *node)
{
	atomic_store_explicit(&node->place, WAIT_QUEUED, memory_order_relaxed);
	node->next = NULL;
	node->prev = q->last;
	if (q->last)
		q->last->next = node;
	else
		q->first = node;
	q->last = node;
}

void wait_queue_put_first(struct wait_queue *q, struct wait_node *node);

/* If it is queued. */
static inline void wait_queue_remove(struct wait_queue *q, struct wait_node *node)
{
	if (atomic_load_explicit(&node->place, memory_order_relaxed) == WAIT_OUT)
		return;
	if (node->prev)
		node->prev->next = node->next;
	else
		q->first = node->next;
	if (node->next)
		node->next->prev = node->prev;
	else
		q->last = node->prev;
	/* release: with the acquire in wait_queue_leave; the last touch of *node. */
	atomic_store_explicit(&node->place, WAIT_OUT, memory_order_release);
}

/* Without the lock, for a node that has lost: true: the caller is to remove it, under the lock;
 * false: others have, and the object may be gone. */
bool wait_queue_leave(struct wait_node *node);

/* Lock held: takes out a node whose wait has ended. False: its coroutine is about to do so. */
bool wait_queue_drop(struct wait_queue *q, struct wait_node *node);

struct wait_node *wait_queue_claim_next(struct wait_queue *q);

/* Takes out nodes until one can be claimed; that one, or NULL. */
static inline struct wait_node *wait_queue_claim(struct wait_queue *q)
{
	struct wait_node *first = q->first;

	if (!first)
		return NULL;
	if (unlikely(!wait_claim(first->co, first->value)))
		return wait_queue_claim_next(q);
	/* As wait_queue_remove, for the first: a round trip takes 30 instructions less. */
	q->first = first->next;
	if (first->next)
		first->next->prev = NULL;
	else
		q->last = NULL;
	atomic_store_explicit(&first->place, WAIT_OUT, memory_order_relaxed);
	return first;
}

/*
 * How an object lets its caller wait. The caller holds the object's lock, which is given back, and has
 * set what node tells the peer. Returns node->value when the wait has been claimed; where no peer has served
 * it, that has become why it was in vain, and ok is false. Then node is out of q again. Preemption stays held off.
 */
static inline __attribute__((always_inline)) int32_t wait_in(struct wait_queue *q,
							     struct wait_node *node,
							     struct spinlock *lock,
							     enum wait_reason reason,
							     const void *object, uint64_t deadline)
{
	int32_t claim;

	node->co = arch_current();
	wait_open(reason, object);
#ifdef PLANT_SKIP_FIFO
	wait_queue_put_first(q, node);
#else
	wait_queue_put(q, node);
#endif
	spin_unlock(lock);
	claim = wait_park_cancellable(deadline);
	if (unlikely(claim < 0)) {
		/* volatile: not in a register, which would have a place on the stacks of all that wait here. */
		volatile int32_t in_vain = claim;

		spin_lock(lock);
		wait_queue_remove(q, node);
		spin_unlock(lock);
		node->value = in_vain;
		node->ok = false;
	}
	return node->value;
}

/* The same, and nothing else ends the wait. */
static inline void wait_in_till_served(struct wait_queue *q, struct wait_node *node,
				       struct spinlock *lock, enum wait_reason reason,
				       const void *object)
{
	node->co = arch_current();
	wait_open(reason, object);
	wait_queue_put(q, node);
	spin_unlock(lock);
	wait_park();
}

/* Claims all that wait: a list for wait_ready_all, after the lock has been given back. */
struct wait_node *wait_queue_claim_all(struct wait_queue *q);
void wait_ready_all(struct wait_node *list);

#endif
