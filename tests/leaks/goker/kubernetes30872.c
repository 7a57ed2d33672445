/* An informer and its queue are locked in two orders, and a third comes to stop the informer. */
// leaks: 1 "clusters_synced" waiting for rwmutex lock
// leaks: 1 "process_loop" waiting for mutex lock
// leaks: 1 "informer_stop" waiting for mutex lock
#include "goker.h"

struct informer {
	struct mutex mutex;
	struct rwmutex queue;
	struct sema synced, popped;
};

static void clusters_synced(void *arg)
{
	struct informer *f = arg;

	mutex_lock(&f->mutex);
	sema_release(&f->synced);
	sema_release(&f->synced);
	sema_acquire(&f->popped);
	rwmutex_lock(&f->queue);
	rwmutex_unlock(&f->queue);
	mutex_unlock(&f->mutex);
}

static void process_loop(void *arg)
{
	struct informer *f = arg;

	rwmutex_lock(&f->queue);
	sema_release(&f->popped);
	sema_acquire(&f->synced);
	mutex_lock(&f->mutex); /* add a cluster */
	mutex_unlock(&f->mutex);
	rwmutex_unlock(&f->queue);
}

static void informer_stop(void *arg)
{
	struct informer *f = arg;

	sema_acquire(&f->synced);
	mutex_lock(&f->mutex);
	mutex_unlock(&f->mutex);
}

int main(void)
{
	struct informer *f = make_new(struct informer);

	go(clusters_synced, f);
	go(process_loop, f);
	go(informer_stop, f);
	return settled();
}
