/* The monitor is to be stopped through a channel by one that holds the lock, for which the monitor waits. */
// leaks: 1 "monitor_health" waiting for mutex lock
// leaks: 1 "state_changed" waiting for chan send
#include "goker.h"

struct container {
	struct mutex mutex;
	struct chan *stop;
	struct sema locked;
	struct event checked;
};

static void monitor_health(void *arg)
{
	struct container *c = arg;

	sema_acquire(&c->locked);
	while (chan_try_select((struct select_case[]){RECEIVE(c->stop)}, 1) != 0) {
		event_post(&c->checked);
		mutex_lock(&c->mutex); /* handle the result of a probe */
		mutex_unlock(&c->mutex);
	}
}

static void state_changed(void *arg)
{
	struct container *c = arg;

	mutex_lock(&c->mutex);
	sema_release(&c->locked);
	event_wait(&c->checked);
	give(c->stop);
	mutex_unlock(&c->mutex);
}

int main(void)
{
	struct container *c = make_new(struct container);

	c->stop = signals(0);
	go(monitor_health, c);
	go(state_changed, c);
	return settled();
}
