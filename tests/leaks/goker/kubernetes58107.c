/* Two workers wait in queues with the read lock held, one of them for ever, so that a writer never gets it; and the
 * other, told of something, asks for the lock again behind the writer. */
// leaks: 1 "worker_idle" waiting for cond wait
// leaks: 1 "worker_busy" waiting for rwmutex rlock
// leaks: 1 "sync_quota" waiting for rwmutex lock
#include "goker.h"

struct queue {
	struct mutex mutex;
	struct cond cond;
};

struct quota {
	struct rwmutex lock;
	struct queue busy, idle;
	struct sema begun;
};

static void get(struct quota *q, struct queue *queue)
{
	rwmutex_rlock(&q->lock);
	mutex_lock(&queue->mutex);
	sema_release(&q->begun);
	cond_wait(&queue->cond, &queue->mutex);
	mutex_unlock(&queue->mutex);
	rwmutex_runlock(&q->lock);
}

static void worker_busy(void *arg)
{
	struct quota *q = arg;

	get(q, &q->busy);
	get(q, &q->busy);
}

static void worker_idle(void *arg)
{
	struct quota *q = arg;

	get(q, &q->idle);
}

static void sync_quota(void *arg)
{
	struct quota *q = arg;

	rwmutex_lock(&q->lock);
	rwmutex_unlock(&q->lock);
}

static void put(void *arg)
{
	struct quota *q = arg;

	sema_acquire(&q->begun);
	sema_acquire(&q->begun);
	rwmutex_rlock(&q->lock);
	go(sync_quota, q);
	until_writer_waits(&q->lock);
	mutex_lock(&q->busy.mutex); /* so it has begun to wait */
	cond_signal(&q->busy.cond);
	mutex_unlock(&q->busy.mutex);
	rwmutex_runlock(&q->lock);
}

int main(void)
{
	struct quota *q = make_new(struct quota);

	go(worker_busy, q);
	go(worker_idle, q);
	go(put, q);
	return settled();
}
