/*
 * Cancellation, and membership in groups. A group's error is its cancellation: it is set first, then
 * every member's wait is claimed. A member that begins to wait looks at the error under the same lock
 * (wait_park_cancellable), so one of the two sees the other. Locks are taken in this order: a group's,
 * its children's, a member's cancel_lock; all of them inside a wheel's, since deadlines cancel.
 */
#include "kernel/cancel.h"

#include <errno.h>

#include "kernel/sched.h"
#include "kernel/wait.h"

/* The lock of g is held. False: it had been cancelled, and so had its children. */
static bool cancel_one(struct group *g, int32_t error)
{
	int32_t none = 0;

	order_out(&g->error);
	/* release: with the acquire in wait_error_of. */
	if (!atomic_compare_exchange_strong_explicit(&g->error, &none, error, memory_order_release,
						     memory_order_relaxed))
		return false;
	for (struct co *co = g->members; co; co = co->group_next) {
		bool won;

		spin_lock(&co->cancel_lock);
		won = co->wait && wait_claim(co->wait, -ECANCELED);
		spin_unlock(&co->cancel_lock);
		if (won) {
			order_to(co);
			sched_ready_last(co);
		}
	}
	return true;
}

/* Down and up the tree, with the locks from top to g held: a loop, so that its stack has a bound. */
static void cancel_locked(struct group *top, int32_t error)
{
	struct group *g = top, *next;

	while (true) {
		next = cancel_one(g, error) ? g->children : NULL;
		error = -ECANCELED;
		while (!next && g != top) {
			struct group *done = g;

			next = g->sibling;
			g = g->parent;
			spin_unlock(&done->lock);
		}
		if (!next)
			return;
		spin_lock(&next->lock);
		g = next;
	}
}

void group_cancel(struct group *g, int error)
{
	call_outside_handler("group_cancel");
	lock(&g->lock);
	cancel_locked(g, error < 0 ? error : -EINVAL);
	unlock(&g->lock);
}

void group_enter(struct group *g, struct co *co)
{
	co->group = g;
	if (!g)
		return;
	spin_lock(&g->lock);
	co->group_next = g->members;
	co->group_link = &g->members;
	if (co->group_next)
		co->group_next->group_link = &co->group_next;
	g->members = co;
	g->count++;
	spin_unlock(&g->lock);
}

void group_leave(struct co *co)
{
	struct group *g = co->group;
	struct wait_node *list = NULL;

	if (!g)
		return;
	order_out_of(co, &g->members);
	lock(&g->lock);
	*co->group_link = co->group_next;
	if (co->group_next)
		co->group_next->group_link = co->group_link;
	co->group = NULL;
	if (--g->count == 0)
		list = wait_queue_claim_all(&g->waiters);
	spin_unlock(&g->lock);
	wait_ready_all(list);
	preempt_enable();
}
