/* The handler of an event sends with the lock held; who is to take that asks for the lock first. */
// leaks: 1 "monitor" waiting for chan send
// leaks: 1 "test_monitor" waiting for mutex lock
#include "goker.h"

struct controller {
	struct mutex mutex;
	struct chan *events, *done, *stop;
	struct sema handling;
};

static void monitor(void *arg)
{
	struct controller *c = arg;
	struct select_case cases[] = {RECEIVE(c->stop), RECEIVE(c->events)};

	while (chan_select(cases, 2) == 1) {
		mutex_lock(&c->mutex);
		sema_release(&c->handling);
		give(c->done);
		mutex_unlock(&c->mutex);
	}
}

static void test_monitor(void *unused)
{
	struct controller *c = make_new(struct controller);

	(void)unused;
	c->events = signals(0);
	c->done = signals(0);
	c->stop = signals(0);
	go(monitor, c);
	give(c->events);
	sema_acquire(&c->handling);
	mutex_lock(&c->mutex);
	mutex_unlock(&c->mutex);
	take(c->done);
	chan_close(c->stop);
}

int main(void)
{
	go(test_monitor, NULL);
	return settled();
}
