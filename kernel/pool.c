/*
 * Pools: at most `workers` coroutines at a time, one for each task; the rest of the tasks waits in a
 * queue, and who submits more than that waits itself. The end of a task starts the next.
 */
#include <errno.h>

#include <vole/go.h>
#include <vole/task.h>

#include "kernel/heap.h"
#include "kernel/sched.h"
#include "kernel/wait.h"

struct task {
	go_fn *fn;
	void *arg;
};

struct pool {
	struct spinlock lock;
	/* guarded by lock */
	int workers, running;
	size_t count, head;           /* of the backlog */
	struct wait_queue submitters; /* node->elem: the task */
	struct wait_queue ends;       /* pool_free */
	size_t backlog;               /* constant */
	struct task queue[];
};

struct work {
	struct pool *pool;
	struct task task;
	struct defer end;
};

struct pool *pool_make(int workers, int backlog)
{
	struct pool *p;

	if (workers < 1 || backlog < 0) {
		errno = EINVAL;
		return NULL;
	}
	p = heap_alloc(sizeof(*p) + (size_t)backlog * sizeof(struct task));
	if (!p) {
		errno = ENOMEM;
		return NULL;
	}
	*p = (struct pool){.workers = workers, .backlog = (size_t)backlog};
	return p;
}

/* Lock held: the next task; its place in the backlog goes to a submitter that waits, who is to be
 * made ready. */
static bool take_task(struct pool *p, struct task *task, struct co **wake)
{
	struct wait_node *node;

	*wake = NULL;
	if (p->count) {
		*task = p->queue[p->head];
		p->head = (p->head + 1) % p->backlog;
		p->count--;
		node = wait_queue_claim(&p->submitters);
		if (node)
			p->queue[(p->head + p->count++) % p->backlog] = *(struct task *)node->elem;
	} else {
		node = wait_queue_claim(&p->submitters);
		if (!node)
			return false;
		*task = *(struct task *)node->elem;
	}
	if (node)
		*wake = node->wait->co;
	return true;
}

static void run_work(void *arg);

/* Starts a task whose place is counted in running. Where there is no memory for a coroutine, the
 * caller runs it itself. The pool may be gone afterwards. */
static void start_work(struct pool *p, const struct task *task)
{
	struct work work = {.pool = p, .task = *task};

	if (go_copy(run_work, &work, sizeof(work))) {
		run_work(&work);
		co_run_deferred(&work.end);
	}
}

/* A task has ended: the next has its place, or the pool is done. */
static void end_work(void *arg)
{
	struct pool *p = arg;
	struct wait_node *list = NULL;
	struct co *wake = NULL;
	struct task task;
	bool more;

	lock(&p->lock);
	more = p->running <= p->workers && take_task(p, &task, &wake);
	if (!more)
		p->running--;
	if (!p->running && !p->count && !p->submitters.first)
		list = wait_queue_claim_all(&p->ends);
	spin_unlock(&p->lock);
	if (wake)
		sched_ready(wake);
	wait_ready_all(list);
	preempt_enable();
	if (more)
		start_work(p, &task);
}

static void run_work(void *arg)
{
	struct work *work = arg;

	co_named_after(run_work, (uintptr_t)work->task.fn);
	/* Deferred: it happens after go_exit in a task too. */
	co_defer(&work->end, end_work, work->pool);
	work->task.fn(work->task.arg);
}

static int submit(struct pool *p, go_fn *fn, void *arg, bool try)
{
	struct work work = {.pool = p, .task = {fn, arg}};
	struct wait w;
	struct wait_node node = {.wait = &w, .elem = &work.task};
	int32_t claim;
	int error;

	if (!p || !fn)
		return -EINVAL;
	if (!try && wait_cancelled())
		return -ECANCELED;
	lock(&p->lock);
	if (p->running < p->workers) {
		p->running++;
		unlock(&p->lock);
		error = go_copy(run_work, &work, sizeof(work));
		if (error)
			end_work(p);
		return error;
	}
	if (p->count < p->backlog) {
		p->queue[(p->head + p->count++) % p->backlog] = work.task;
		unlock(&p->lock);
		return 0;
	}
	if (try) {
		unlock(&p->lock);
		return -EAGAIN;
	}
	wait_open(&w, WAIT_POOL, p);
	wait_queue_put(&p->submitters, &node);
	spin_unlock(&p->lock);
	claim = wait_park_cancellable(&w, TIME_NEVER);
	if (claim < 0) {
		spin_lock(&p->lock);
		wait_queue_remove(&p->submitters, &node);
		spin_unlock(&p->lock);
	}
	preempt_enable();
	return claim;
}

int pool_submit(struct pool *p, go_fn *fn, void *arg)
{
	return submit(p, fn, arg, false);
}

int pool_try_submit(struct pool *p, go_fn *fn, void *arg)
{
	return submit(p, fn, arg, true);
}

int pool_resize(struct pool *p, int workers)
{
	if (!p || workers < 1)
		return -EINVAL;
	lock(&p->lock);
	p->workers = workers;
	unlock(&p->lock);
	for (;;) { /* the pool lives: nobody frees it during this call */
		struct co *wake = NULL;
		struct task task;
		bool more;

		lock(&p->lock);
		more = p->running < p->workers && take_task(p, &task, &wake);
		p->running += more;
		spin_unlock(&p->lock);
		if (wake)
			sched_ready(wake);
		preempt_enable();
		if (!more)
			break;
		start_work(p, &task);
	}
	return 0;
}

void pool_free(struct pool *p)
{
	struct wait w;
	struct wait_node node = {.wait = &w};

	if (!p)
		return;
	lock(&p->lock);
	if (p->running || p->count || p->submitters.first) {
		wait_open(&w, WAIT_POOL, p);
		wait_queue_put(&p->ends, &node);
		spin_unlock(&p->lock);
		wait_park(&w, TIME_NEVER);
	} else {
		spin_unlock(&p->lock);
	}
	preempt_enable();
	heap_free(p);
}
