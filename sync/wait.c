#include "sync/wait.h" /* PLANT_CLAIM_ORDER */

#include <errno.h>

#include "kernel/wheel.h"

/* The deadline of a wait, in the wheel. */
struct wait_timer {
	struct wheel_node node; /* first: fire casts */
	struct co *co;
};

static void timer_fire(struct wheel_node *node, uint64_t)
{
	struct co *co = ((struct wait_timer *)node)->co;

	if (wait_claim(co, -ETIMEDOUT))
		sched_ready_last(co);
}

int32_t wait_park_until(uint64_t deadline)
{
	struct wait_timer timer = {.node = {.deadline = deadline, .fire = timer_fire},
				   .co = arch_current()};
	int32_t claim;

	wheel_start(&timer.node);
	claim = wait_park_cancellable(TIME_NEVER);
	if (claim != -ETIMEDOUT)
		wheel_stop(&timer.node);
	return claim;
}

bool wait_member_begin(void)
{
	struct co *self = arch_current();
	bool cancelled;

	/* group_cancel sets the error first, then looks at the waits, each under cancel_lock. */
	spin_lock(&self->cancel_lock);
	shared_set(self->flags, self->flags | CO_CANCELLABLE);
	cancelled = wait_error_of(self->group);
	spin_unlock(&self->cancel_lock);
	if (!cancelled || !wait_claim(self, -ECANCELED))
		return true;
	wait_member_end();
	shared_set(self->state, CO_RUNNING);
	return false;
}

int32_t wait_member_end(void)
{
	struct co *self = arch_current();

	spin_lock(&self->cancel_lock);
	shared_set(self->flags, self->flags & ~CO_CANCELLABLE);
	spin_unlock(&self->cancel_lock);
#ifdef PLANT_LOST_CANCEL
	if (wait_cancelled()) /* the fault: whatever it has been given */
		atomic_store_explicit(&self->claim, -ECANCELED, memory_order_relaxed);
#endif
	return wait_claim_of(self);
}

int32_t wait_park_after(struct co *next, bool cancellable)
{
	bool member = cancellable && wait_is_member(arch_current());

	if (member && !wait_member_begin()) {
		if (next)
			sched_ready(next);
		return -ECANCELED;
	}
	if (next)
		sched_park_for(next);
	else
		sched_park();
	return member ? wait_member_end() : wait_claim_of(arch_current());
}

void wait_queue_put_first(struct wait_queue *q, struct wait_node *node)
{
	atomic_store_explicit(&node->place, WAIT_QUEUED, memory_order_relaxed);
	node->prev = NULL;
	node->next = q->first;
	if (q->first)
		q->first->prev = node;
	else
		q->last = node;
	q->first = node;
}

/* True: node was queued, and is the caller's to take out. */
static bool mark_node(struct wait_node *node, uint8_t place)
{
	uint8_t queued = atomic_load_explicit(&node->place, memory_order_relaxed);

	if (queued != WAIT_QUEUED)
		return false;
	if (smp_how() & SMP_CORES)
		return atomic_compare_exchange_strong_explicit(&node->place, &queued, place,
							       memory_order_relaxed,
							       memory_order_relaxed);
	atomic_store_explicit(&node->place, place, memory_order_relaxed);
	return true;
}

bool wait_queue_leave(struct wait_node *node)
{
	if (mark_node(node, WAIT_LEAVING))
		return true;
	/* acquire: with the release in wait_queue_remove. */
	while (atomic_load_explicit(&node->place, memory_order_acquire) != WAIT_OUT)
		arch_relax();
	return false;
}

bool wait_queue_drop(struct wait_queue *q, struct wait_node *node)
{
	if (!mark_node(node, WAIT_TAKEN))
		return false;
	wait_queue_remove(q, node);
	return true;
}

struct wait_node *wait_queue_claim_next(struct wait_queue *q)
{
	for (struct wait_node *node = q->first, *next; node; node = next) {
		next = node->next;
		if (wait_claim(node->co, node->value)) {
			wait_queue_remove(q, node);
			return node;
		}
		wait_queue_drop(q, node);
	}
	return NULL;
}

struct wait_node *wait_queue_claim_all(struct wait_queue *q)
{
	struct wait_node *list = NULL, **end = &list, *node;

	while ((node = wait_queue_claim(q))) {
		*end = node;
		end = &node->next;
	}
	*end = NULL;
	return list;
}

void wait_ready_all(struct wait_node *list)
{
	struct wait_node *node;

	while ((node = list)) {
		list = node->next; /* the node goes when its coroutine runs */
		sched_ready(node->co);
	}
}
