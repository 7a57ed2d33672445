/*
 * Pools: at most `workers` coroutines at a time, one for each task; the rest of the tasks waits in a
 * queue, and who submits more than that waits itself. The end of a task starts the next.
 */
#include <errno.h>

#include <vole/go.h>
#include <vole/task.h>

#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/heap.h"
#include "kernel/sched.h"
#include "kernel/wheel.h"
#include "sync/wait.h" /* PLANT_SKIP_FIFO */

struct task {
	go_fn *fn;
	void *arg;
};

struct pool {
	struct spinlock lock;
	/* guarded by lock */
	int workers, running;
	uint32_t started_at;          /* for coroutines: where the last task came from */
	size_t count, head;           /* of the backlog */
	struct wait_queue submitters; /* node->elem: the task */
	struct wait_queue ends;       /* pool_free */
	bool retrying;                /* retry is pending, and the pool lives until it has fired */
	size_t backlog;               /* constant */
	struct wheel_node retry;
	struct task queue[];
};

static void retry_fire(struct wheel_node *node, uint64_t now);

struct pool *pool_make(int workers, int backlog)
{
	struct pool *p;

	call_outside_handler("pool_make");
	if (workers < 1 || backlog < 0) {
		errno = EINVAL;
		return NULL;
	}
	p = heap_alloc(sizeof(*p) + (size_t)backlog * sizeof(struct task));
	if (!p) {
		errno = ENOMEM;
		return NULL;
	}
	memory_owed(p);
	*p = (struct pool){.workers = workers,
			   .backlog = (size_t)backlog,
			   .retry = {.fire = retry_fire}};
	return p;
}

enum { RETRY = 1000 * 1000 }; /* after there was no memory */

static void task_ended(void *arg);

static struct co *task_make(struct pool *p, const struct task *task)
{
	struct co *co = co_make(task->fn, task->arg, stack_bound(task->fn), 0, NULL);

	if (co) {
		co->started_at = p->started_at;
		co->at_end = task_ended;
		co->end_arg = p;
	}
	return co;
}

/* Lock held: the next task gets a coroutine, and its place in the backlog goes to a submitter that
 * waits. NULL: there is none, or no memory: it stays where it is; but a submitter without a place in
 * the backlog is told. */
static struct co *next_task(struct pool *p, struct co **wake)
{
	struct wait_node *node;
	struct co *co;

	if (p->count) {
		co = task_make(p, &p->queue[p->head]);
		if (!co)
			return NULL;
		order_in_of(co, &p->queue[p->head]);
		p->head = (p->head + 1) % p->backlog;
		p->count--;
		node = wait_queue_claim(&p->submitters);
		if (node) {
			order_out_of(node->co, &p->queue[(p->head + p->count) % p->backlog]);
			p->queue[(p->head + p->count++) % p->backlog] = *(struct task *)node->elem;
		}
	} else {
		node = wait_queue_claim(&p->submitters);
		co = node ? task_make(p, node->elem) : NULL;
		if (co) {
			order_out_of(node->co, node);
			order_in_of(co, node);
		}
	}
	if (node) {
		node->ok = co != NULL;
		*wake = node->co;
	}
	return co;
}

/* Starts a task if there are fewer than allowed. nopreempt > 0. False: nothing came of it. */
static bool start_one(struct pool *p, int ended, bool from_retry)
{
	struct wait_node *list = NULL;
	struct co *wake = NULL, *co = NULL;
	bool retry;

	spin_lock(&p->lock);
	p->running -= ended;
	if (from_retry)
		p->retrying = false;
	if (p->running < p->workers && (co = next_task(p, &wake)))
		p->running++;
	retry = p->count && p->running < p->workers && !p->retrying && (!co || from_retry);
	if (retry)
		p->retrying = true;
	if (!p->running && !p->count && !p->submitters.first && !p->retrying)
		list = wait_queue_claim_all(&p->ends);
	spin_unlock(&p->lock);
	if (retry && from_retry) {
		wheel_again(&p->retry, arch_clock() + RETRY);
	} else if (retry) {
		p->retry.deadline = arch_clock() + RETRY;
		wheel_start(&p->retry);
	}
	/* From here on the pool may be gone. */
	if (wake)
		sched_ready(wake);
	if (co)
		sched_ready(co);
	wait_ready_all(list);
	return co || wake;
}

static void *start_next(void *p, void *)
{
	start_one(p, 1, false);
	return NULL;
}

/* The next task has its place, or the pool is done. To make a coroutine is deep. */
static void task_ended(void *arg)
{
	order_out(arg); /* it ends before pool_free returns */
	core_call(start_next, arg, NULL);
}

static void retry_fire(struct wheel_node *node, uint64_t now)
{
	(void)now;
	start_one((struct pool *)((char *)node - offsetof(struct pool, retry)), 0, true);
}

static int submit(struct pool *p, go_fn *fn, void *arg, bool try, uint32_t at)
{
	struct task task = {fn, arg};
	struct wait_node node = {.elem = &task};
	int32_t claim;

	if (!p || !fn)
		return -EINVAL;
	if (!try && wait_cancelled())
		return -ECANCELED;
	lock(&p->lock);
	p->started_at = at;
	if (p->running < p->workers && !p->count) {
		struct co *co = task_make(p, &task);

		p->running += co != NULL;
		spin_unlock(&p->lock);
		if (co) {
			order_to(co);
			sched_ready(co);
		}
		preempt_enable();
		return co ? 0 : -ENOMEM;
	}
	if (p->count < p->backlog) {
		order_out(&p->queue[(p->head + p->count) % p->backlog]);
		p->queue[(p->head + p->count++) % p->backlog] = task;
		unlock(&p->lock);
		return 0;
	}
	if (try) {
		unlock(&p->lock);
		return -EAGAIN;
	}
	claim = wait_in(&p->submitters, &node, &p->lock, WAIT_POOL, p, TIME_NEVER);
	if (claim >= 0 && !node.ok)
		claim = -ENOMEM;
	preempt_enable();
	return claim;
}

int pool_submit(struct pool *p, go_fn *fn, void *arg)
{
	call_may_wait("pool_submit");
	return submit(p, fn, arg, false, CO_CALLED_AT);
}

int pool_try_submit(struct pool *p, go_fn *fn, void *arg)
{
	call_outside_handler("pool_try_submit");
	return submit(p, fn, arg, true, CO_CALLED_AT);
}

int pool_resize(struct pool *p, int workers)
{
	call_outside_handler("pool_resize");
	if (!p || workers < 1)
		return -EINVAL;
	lock(&p->lock);
	p->workers = workers;
	unlock(&p->lock);
	preempt_disable();
	while (start_one(p, 0, false)) /* the pool lives: nobody frees it during this call */
		;
	preempt_enable();
	return 0;
}

void pool_free(struct pool *p)
{
	struct wait_node node = {.value = 0};

	call_may_wait("pool_free");
	if (!p)
		return;
	lock(&p->lock);
	if (p->running || p->count || p->submitters.first || p->retrying)
		wait_in_till_served(&p->ends, &node, &p->lock, WAIT_POOL, p);
	else
		spin_unlock(&p->lock);
	preempt_enable();
	order_in(p);
	heap_free(p);
#ifdef PLANT_USE_AFTER_FREE
	*(volatile int *)&p->workers = 0; /* the fault */
#endif
}
