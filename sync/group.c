/*
 * Groups: coroutines that end together, and their cancellation, which is the group's error. It is set
 * first, then every member's wait is claimed. A member that begins to wait looks at the error under the
 * same lock (wait_park_cancellable), so one of the two sees the other. Locks are taken in this order: a
 * group's, its children's, a member's cancel_lock; all of them inside a wheel's, since deadlines cancel.
 */
#include "sync/group.h"

#include <errno.h>

#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/outside.h"
#include "kernel/sched.h"
#include "kernel/wheel.h"
#include "sync/wait.h"

/* The lock of g is held. False: it had been cancelled, and so had its children. */
static bool cancel_one(struct group *g, int32_t error)
{
	if (atomic_load_explicit(&g->error, memory_order_relaxed))
		return false;
	order_out(&g->error);
	/* release: with the acquire in wait_error_of. */
	atomic_store_explicit(&g->error, error, memory_order_release);
	for (struct co *co = g->members; co; co = co->group_next) {
		bool won;

		spin_lock(&co->cancel_lock);
		won = (shared_get(co->flags) & CO_CANCELLABLE) && wait_claim(co, -ECANCELED);
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

static void deadline_fire(struct wheel_node *node, uint64_t)
{
	struct group *g = (struct group *)((char *)node - offsetof(struct group, timer));

	group_cancel(g, -ETIMEDOUT);
}

void group_init(struct group *g, uint64_t deadline)
{
	struct co *self = arch_current();

	call_outside_handler("group_init");
	*g = (struct group){
		.parent = self->group,
		.timer = {.deadline = deadline, .fire = deadline_fire},
	};
	preempt_disable();
	if (g->parent) {
		struct group *parent = g->parent;

		spin_lock(&parent->lock);
		g->sibling = parent->children;
		g->sibling_link = &parent->children;
		if (g->sibling)
			g->sibling->sibling_link = &g->sibling;
		parent->children = g;
		if (wait_error_of(parent)) {
			order_out(&g->error);
			/* Who gets to know g by now sees what came before anyway. */
			atomic_store_explicit(&g->error, -ECANCELED, memory_order_relaxed);
		}
		spin_unlock(&parent->lock);
	}
	if (wait_expired(deadline))
		group_cancel(g, -ETIMEDOUT);
	else if (deadline != TIME_NEVER)
		wheel_start(&g->timer);
	preempt_enable();
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

int group_go(struct group *g, int (*fn)(void *arg), void *arg)
{
	struct co *co;

	call_outside_handler("group_go");
	if (!fn)
		return -EINVAL;
	if (wait_error_of(g))
		return -ECANCELED;
	preempt_disable();
	co = co_make((go_fn *)(void *)fn, arg, stack_bound((go_fn *)(void *)fn), 0, NULL);
	if (co) {
		co->started_at = CO_CALLED_AT;
		shared_set(co->flags, co->flags | CO_MEMBER); /* who saw its last life may look */
		group_enter(g, co);
		order_to(co);
		sched_ready(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

int group_wait(struct group *g)
{
	struct wait_node node = {.value = 0};

	call_may_wait("group_wait");
	lock(&g->lock);
	if (g->count)
		wait_in_till_served(&g->waiters, &node, &g->lock, WAIT_GROUP, g);
	else
		spin_unlock(&g->lock);
	order_in(&g->members);
	/* Nobody cancels it from here on: neither its deadline nor its parent. */
	if (g->timer.core)
		wheel_stop(&g->timer);
	if (g->parent) {
		spin_lock(&g->parent->lock);
		if (g->sibling_link) { /* NULL: another that waited has done it */
			*g->sibling_link = g->sibling;
			if (g->sibling)
				g->sibling->sibling_link = g->sibling_link;
			g->sibling_link = NULL;
		}
		spin_unlock(&g->parent->lock);
	}
	preempt_enable();
	return group_error(g);
}

int group_error(const struct group *g)
{
	call_outside_handler("group_error");
	return wait_error_of(g);
}
