#include <errno.h>

#include <vole/sync.h>

#include "kernel/sched.h"
#include "sync/held.h"

int cond_wait_until(struct cond *c, struct mutex *m, uint64_t deadline)
{
	struct co *self = arch_current();
	struct wait_node node = {.co = self};
	int32_t claim;

	call_may_wait("cond_wait_until");
	if (mutex_holder(m) != self->holder)
		panic("cond_wait without its mutex: cond %p, mutex %p", (void *)c, (void *)m);
	if (wait_cancelled())
		return -ECANCELED;
	/* In the queue before the mutex is free: no signal is missed. */
	lock(&c->lock);
	wait_open(WAIT_COND, c);
	wait_queue_put(&c->waiters, &node);
	spin_unlock(&c->lock);
	order_out(m);
	mutex_unlock(m);
	claim = wait_expired(deadline) && wait_claim(self, -ETIMEDOUT)
			? -ETIMEDOUT
			: wait_park_cancellable(deadline);
	shared_set(self->state, CO_RUNNING);
	if (claim < 0) {
		spin_lock(&c->lock);
		wait_queue_remove(&c->waiters, &node);
		spin_unlock(&c->lock);
	}
	preempt_enable();
	mutex_lock(m);
	order_in(m);
	return claim;
}

int cond_wait(struct cond *c, struct mutex *m)
{
	call_may_wait("cond_wait");
	return cond_wait_until(c, m, TIME_NEVER);
}

void cond_signal(struct cond *c)
{
	struct wait_node *node;
	struct co *co = NULL;

	call_outside_handler("cond_signal");
	lock(&c->lock);
	node = wait_queue_claim(&c->waiters);
	if (node)
		co = node->co;
	spin_unlock(&c->lock);
	if (co) {
		order_to(co);
		sched_ready(co);
	}
	preempt_enable();
}

void cond_broadcast(struct cond *c)
{
	struct wait_node *list;

	call_outside_handler("cond_broadcast");
	lock(&c->lock);
	list = wait_queue_claim_all(&c->waiters);
	spin_unlock(&c->lock);
	for (struct wait_node *node = list; ORDER_KEPT && node; node = node->next)
		order_to(node->co);
	wait_ready_all(list);
	preempt_enable();
}
