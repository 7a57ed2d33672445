/* A balancer tells of a new address with its lock held; who takes that waits for the lock to tear a connection
 * down, and who closes waits for it too. */
// leaks: 1 "reset_transport" waiting for chan send
// leaks: 1 "watcher" waiting for mutex lock
// leaks: 1 "balancer_close" waiting for mutex lock
#include "goker.h"

struct balancer {
	struct mutex mutex;
	struct chan *notify;
	struct sema full;
};

static void reset_transport(void *arg)
{
	struct balancer *b = arg;

	mutex_lock(&b->mutex);
	sema_release(&b->full);
	sema_release(&b->full);
	give(b->notify);
	mutex_unlock(&b->mutex);
}

static void watcher(void *arg)
{
	struct balancer *b = arg;

	sema_acquire(&b->full);
	mutex_lock(&b->mutex); /* it tears down a connection */
	mutex_unlock(&b->mutex);
	while (!take(b->notify))
		;
}

static void balancer_close(void *arg)
{
	struct balancer *b = arg;

	sema_acquire(&b->full);
	mutex_lock(&b->mutex);
	chan_close(b->notify);
	mutex_unlock(&b->mutex);
}

int main(void)
{
	struct balancer *b = make_new(struct balancer);

	b->notify = signals(1);
	give(b->notify);
	go(watcher, b);
	go(balancer_close, b);
	go(reset_transport, b);
	return settled();
}
