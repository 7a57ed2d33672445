/* Who stops holds the mutex and waits for the worker, which needs it for what it has taken. */
// leaks: 1 "broadcasts" waiting for mutex lock
// leaks: 1 "stop_broadcasts" waiting for chan receive
#include "goker.h"

struct watch {
	struct mutex mutex;
	struct chan *updates, *done;
	struct sema locked, taken;
};

static void broadcasts(void *arg)
{
	struct watch *w = arg;

	while (!take(w->updates)) {
		sema_release(&w->taken);
		sema_acquire(&w->locked);
		mutex_lock(&w->mutex); /* coalesce */
		mutex_unlock(&w->mutex);
	}
	chan_close(w->done);
}

static void stop_broadcasts(void *arg)
{
	struct watch *w = arg;

	sema_acquire(&w->taken);
	mutex_lock(&w->mutex);
	sema_release(&w->locked);
	chan_close(w->updates);
	take(w->done);
	mutex_unlock(&w->mutex);
}

int main(void)
{
	struct watch *w = make_new(struct watch);

	w->updates = signals(1);
	w->done = signals(0);
	go(broadcasts, w);
	give(w->updates);
	go(stop_broadcasts, w);
	return settled();
}
