/* Who drains waits under the lock for tasks to end, which nobody ever says; the workers wait to be stopped. */
// leaks: 3 "worker" waiting for chan receive
// leaks: 1 "stop_all" waiting for waitgroup wait
// leaks: 1 "test" waiting for chan receive
#include "goker.h"

struct stopper {
	struct chan *stopper;
	struct waitgroup stop, drain;
	struct mutex mutex;
	struct event begun;
};

static void worker(void *arg)
{
	struct stopper *s = arg;

	mutex_lock(&s->mutex);
	waitgroup_add(&s->drain, 1); /* a task begins, and does not end */
	mutex_unlock(&s->mutex);
	event_post(&s->begun);
	take(s->stopper);
	waitgroup_done(&s->stop);
}

struct all {
	struct stopper *stopper[3];
	struct chan *done;
};

static void stop_all(void *arg)
{
	struct all *all = arg;

	for (int i = 0; i < 3; i++) {
		struct stopper *s = all->stopper[i];

		event_wait(&s->begun);
		mutex_lock(&s->mutex);
		waitgroup_wait(&s->drain);
		mutex_unlock(&s->mutex);
	}
	for (int i = 0; i < 3; i++)
		chan_close(all->stopper[i]->stopper);
	chan_close(all->done);
}

static void test(void *unused)
{
	struct all *all = make_new(struct all);

	(void)unused;
	for (int i = 0; i < 3; i++) {
		struct stopper *s = all->stopper[i] = make_new(struct stopper);

		s->stopper = signals(0);
		waitgroup_add(&s->stop, 1);
		go(worker, s);
	}
	all->done = signals(0);
	go(stop_all, all);
	take(all->done);
}

int main(void)
{
	go(test, NULL);
	return settled();
}
