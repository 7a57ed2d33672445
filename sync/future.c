#include <errno.h>

#include <vole/go.h>
#include <vole/task.h>

#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/sched.h"
#include "kernel/stack.h"
#include "sync/wait.h"

struct task {
	struct future *f;
	void *(*fn)(void *arg);
	void *arg;
	void *result; /* NULL until fn has returned */
};

static void future_finish(void *arg)
{
	struct task *task = arg;
	struct future *f = task->f;
	struct wait_node *list;

	order_out(f);
	spin_lock(&f->lock);
	f->result = task->result;
	f->done = true;
	list = wait_queue_claim_all(&f->waiters);
	/* Those who waited take the result from their node: the future may be gone by then. */
	for (struct wait_node *node = list; node; node = node->next)
		if (node->elem)
			*(void **)node->elem = task->result;
	spin_unlock(&f->lock);
	wait_ready_all(list);
}

static void future_run(void *arg)
{
	struct task *task = arg;

	co_named_after(future_run, (uintptr_t)task->fn);
	/* At its end, so that the future is done after go_exit too. */
	arch_current()->at_end = future_finish;
	arch_current()->end_arg = task;
	task->result = task->fn(task->arg);
}

int future_start(struct future *f, void *(*fn)(void *arg), void *arg)
{
	struct task task = {.f = f, .fn = fn, .arg = arg};
	size_t bound;
	struct co *co;

	call_outside_handler("future_start");
	if (!fn)
		return -EINVAL;
	*f = (struct future){.done = false};
	bound = stack_bound((go_fn *)(void *)fn);
	preempt_disable();
	co = co_make_copy(future_run, &task, sizeof(task), bound ? bound + STACK_CALL : 0);
	if (co) {
		co->started_at = CO_CALLED_AT;
		order_to(co);
		sched_ready(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

int future_await_until(struct future *f, void **result, uint64_t deadline)
{
	struct wait_node node = {.elem = result};
	int32_t claim;

	call_may_wait("future_await_until");
	if (wait_cancelled())
		return -ECANCELED;
	lock(&f->lock);
	if (f->done) {
		if (result)
			*result = f->result;
		unlock(&f->lock);
		order_in(f);
		return 0;
	}
	if (wait_expired(deadline)) {
		unlock(&f->lock);
		return -ETIMEDOUT;
	}
	claim = wait_in(&f->waiters, &node, &f->lock, WAIT_FUTURE, f, deadline);
	if (claim >= 0)
		order_in(f);
	preempt_enable();
	return claim;
}

int future_await(struct future *f, void **result)
{
	call_may_wait("future_await");
	return future_await_until(f, result, TIME_NEVER);
}
