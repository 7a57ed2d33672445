#include <errno.h>

#include <vole/sync.h>

#include "kernel/heap.h"
#include "kernel/sched.h"
#include "kernel/wait.h"

void waitgroup_add(struct waitgroup *wg, int delta)
{
	struct wait_node *list = NULL;
	int32_t count;

	lock(&wg->lock);
	if (__builtin_add_overflow(wg->count, delta, &count) || count < 0)
		panic("negative waitgroup counter: %p (%d and %d more)", (void *)wg, (int)wg->count,
		      delta);
	wg->count = count;
	if (!count)
		list = wait_queue_claim_all(&wg->waiters);
	spin_unlock(&wg->lock);
	wait_ready_all(list);
	preempt_enable();
}

void waitgroup_done(struct waitgroup *wg)
{
	waitgroup_add(wg, -1);
}

/* What a member of a waitgroup runs. */
struct member {
	struct waitgroup *wg;
	go_fn *fn;
	void *arg;
	struct defer end;
};

static void done(void *wg)
{
	waitgroup_done(wg);
}

static void run_member(void *arg)
{
	struct member *member = arg;

	co_named_after(run_member, (uintptr_t)member->fn);
	/* Deferred, so that it happens after the member's own deferred calls, and after go_exit. */
	co_defer(&member->end, done, member->wg);
	member->fn(member->arg);
}

int waitgroup_go(struct waitgroup *wg, go_fn *fn, void *arg)
{
	struct member member = {.wg = wg, .fn = fn, .arg = arg};
	int error;

	if (!fn)
		return -EINVAL;
	waitgroup_add(wg, 1);
	error = go_copy(run_member, &member, sizeof(member));
	if (error)
		waitgroup_add(wg, -1);
	return error;
}

int waitgroup_wait_until(struct waitgroup *wg, uint64_t deadline)
{
	struct wait w;
	struct wait_node node = {.wait = &w};
	int32_t claim;

	if (wait_cancelled())
		return -ECANCELED;
	lock(&wg->lock);
	if (!wg->count) {
		unlock(&wg->lock);
		return 0;
	}
	if (wait_expired(deadline)) {
		unlock(&wg->lock);
		return -ETIMEDOUT;
	}
	wait_open(&w, WAIT_WAITGROUP, wg);
	wait_queue_put(&wg->waiters, &node);
	spin_unlock(&wg->lock);
	claim = wait_park_cancellable(&w, deadline);
	if (claim < 0) {
		spin_lock(&wg->lock);
		wait_queue_remove(&wg->waiters, &node);
		spin_unlock(&wg->lock);
	}
	preempt_enable();
	return claim;
}

int waitgroup_wait(struct waitgroup *wg)
{
	return waitgroup_wait_until(wg, TIME_NEVER);
}
