#include <errno.h>

#include <vole/sync.h>

#include "kernel/sched.h"
#include "sync/wait.h" /* PLANT_SKIP_FIFO */

void sema_init(struct sema *s, unsigned n)
{
	call_outside_handler("sema_init");
	*s = (struct sema){.count = n};
}

static int sema_take_or_wait(struct sema *s, bool try, uint64_t deadline)
{
	struct wait_node node = {.value = 0};
	int32_t claim;

	if (!try && wait_cancelled())
		return -ECANCELED;
	lock(&s->lock);
	if (s->count) {
		s->count--;
		order_in(s);
		unlock(&s->lock);
		return 0;
	}
	if (try || wait_expired(deadline)) {
		unlock(&s->lock);
		return try ? -EAGAIN : -ETIMEDOUT;
	}
	claim = wait_in(&s->waiters, &node, &s->lock, WAIT_SEMA, s, deadline);
	if (claim >= 0)
		order_in(s);
	preempt_enable();
	return claim;
}

int sema_acquire(struct sema *s)
{
	call_may_wait("sema_acquire");
	return sema_take_or_wait(s, false, TIME_NEVER);
}

int sema_try_acquire(struct sema *s)
{
	call_outside_handler("sema_try_acquire");
	return sema_take_or_wait(s, true, 0);
}

int sema_acquire_until(struct sema *s, uint64_t deadline)
{
	call_may_wait("sema_acquire_until");
	return sema_take_or_wait(s, false, deadline);
}

void sema_release(struct sema *s)
{
	struct wait_node *node;
	struct co *co = NULL;

	call_outside_handler("sema_release");
	lock(&s->lock);
	order_out(s);
	node = wait_queue_claim(&s->waiters); /* what is released goes straight to it */
	if (node)
		co = node->co;
	else if (++s->count == 0)
		panic("sema_release: the count of %p overflows", (void *)s);
	spin_unlock(&s->lock);
	if (co)
		sched_ready(co);
	preempt_enable();
}
