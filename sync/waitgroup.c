#include <errno.h>

#include <vole/sync.h>

#include "debug/order.h"
#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/sched.h"
#include "sync/wait.h"

static inline void count_members(struct waitgroup *wg, int delta)
{
	struct wait_node *list = NULL;
	int32_t count;

	order_out(wg);
	spin_lock(&wg->lock);
	if (unlikely(__builtin_add_overflow(wg->count, delta, &count) || count < 0))
		panic("negative waitgroup counter: %p (%d and %d more)", (void *)wg, (int)wg->count,
		      delta);
	wg->count = count;
	if (!count)
		list = wait_queue_claim_all(&wg->waiters);
	spin_unlock(&wg->lock);
	if (list)
		wait_ready_all(list);
}

void waitgroup_add(struct waitgroup *wg, int delta)
{
	call_outside_handler("waitgroup_add");
	preempt_disable();
	count_members(wg, delta);
	preempt_enable();
}

void waitgroup_done(struct waitgroup *wg)
{
	call_outside_handler("waitgroup_done");
	waitgroup_add(wg, -1);
}

static void member_ended(void *wg)
{
	count_members(wg, -1);
}

int waitgroup_go(struct waitgroup *wg, go_fn *fn, void *arg)
{
	struct co *co;

	call_outside_handler("waitgroup_go");
	if (!fn)
		return -EINVAL;
	preempt_disable();
	co = co_make(fn, arg, stack_bound(fn), 0, NULL);
	if (co) {
		co->started_at = CO_CALLED_AT;
		co->at_end = member_ended;
		co->end_arg = wg;
		count_members(wg, 1);
		order_to(co);
		sched_ready(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

ARCH_RETURN int waitgroup_wait_until(struct waitgroup *wg, uint64_t deadline)
{
	struct wait_node node = {.value = 0};
	int32_t claim;

	call_may_wait("waitgroup_wait_until");
	if (wait_cancelled())
		return -ECANCELED;
	lock(&wg->lock);
	if (!wg->count) {
		unlock(&wg->lock);
		order_in(wg);
		return 0;
	}
	if (wait_expired(deadline)) {
		unlock(&wg->lock);
		return -ETIMEDOUT;
	}
	claim = wait_in(&wg->waiters, &node, &wg->lock, WAIT_WAITGROUP, wg, deadline);
	if (claim >= 0)
		order_in(wg);
	preempt_enable();
	return claim;
}

int waitgroup_wait(struct waitgroup *wg)
{
	call_may_wait("waitgroup_wait");
	return waitgroup_wait_until(wg, TIME_NEVER);
}
