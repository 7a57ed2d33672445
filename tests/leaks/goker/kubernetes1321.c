/* Events are sent to all watchers with the lock held; a watcher that stops needs the lock. */
// leaks: 1 "mux_loop" waiting for chan send
// leaks: 1 "watch_and_stop" waiting for mutex lock
#include "goker.h"

struct mux {
	struct mutex mutex;
	struct chan *watcher;
	struct sema sending;
};

static void mux_loop(void *arg)
{
	struct mux *m = arg;

	mutex_lock(&m->mutex);
	sema_release(&m->sending);
	give(m->watcher);
	mutex_unlock(&m->mutex);
}

static void watch_and_stop(void *unused)
{
	struct mux *m = make_new(struct mux);

	(void)unused;
	m->watcher = signals(0);
	go(mux_loop, m);
	sema_acquire(&m->sending);
	mutex_lock(&m->mutex);
	chan_close(m->watcher);
	mutex_unlock(&m->mutex);
}

int main(void)
{
	go(watch_and_stop, NULL);
	return settled();
}
