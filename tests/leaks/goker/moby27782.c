/* A watcher of files sends an event; who takes events was told to close, and waits for a condition that only the
 * watcher signals. */
// leaks: 1 "read_events" waiting for select
// leaks: 1 "follow_logs" waiting for cond wait
#include "goker.h"

struct watcher {
	struct mutex mutex;
	struct cond removed;
	struct chan *events, *done, *closed;
};

static void read_events(void *arg)
{
	struct watcher *w = arg;
	struct select_case cases[] = {SEND(w->events), RECEIVE(w->done)};

	time_sleep(2 * NSEC_PER_MSEC);
	while (chan_select(cases, 2) == 0)
		;
	chan_close(w->events);
}

static void follow_logs(void *unused)
{
	struct watcher *w = make_new(struct watcher);

	(void)unused;
	w->events = signals(0);
	w->done = signals(0);
	w->closed = signals(0);
	go(read_events, w);
	chan_close(w->closed);
	take(w->closed);
	mutex_lock(&w->mutex);
	for (bool exists = true; exists;)
		cond_wait(&w->removed, &w->mutex);
	mutex_unlock(&w->mutex);
	chan_close(w->done);
}

int main(void)
{
	go(follow_logs, NULL);
	return settled();
}
