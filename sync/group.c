/*
 * Groups: coroutines that end together. How a cancellation reaches the members is in
 * kernel/cancel.c; here is what begins, deadlines, and waits for a group.
 */
#include <errno.h>

#include "kernel/bounds.h"
#include "kernel/cancel.h"
#include "kernel/sched.h"
#include "kernel/wait.h"
#include "kernel/wheel.h"

static void deadline_fire(struct wheel_node *node, uint64_t now)
{
	struct group *g = (struct group *)((char *)node - offsetof(struct group, timer));

	(void)now;
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
		relaxed_set(co->flags, co->flags | CO_MEMBER); /* who saw its last life may look */
		group_enter(g, co);
		order_to(co);
		sched_start(co);
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
