/* Who takes progress ends after the first; three transfers tell of it, and are waited for. */
// leaks: 3 "transfer" waiting for chan send
// leaks: 1 "test_transfers" waiting for chan receive
#include "goker.h"

struct watcher {
	struct chan *progress, *release, *running;
};

static void consumer(void *progress)
{
	take(progress);
}

static void transfer(void *arg)
{
	struct watcher *w = arg;
	struct select_case cases[] = {RECEIVE(w->release)};

	give(w->progress);
	while (chan_select(cases, 1) < 0)
		;
	give(w->progress);
	chan_close(w->running);
}

static void test_transfers(void *unused)
{
	struct chan *progress = signals(0);
	struct waitgroup consumers = {0};
	struct watcher *w[3];

	(void)unused;
	waitgroup_go(&consumers, consumer, progress);
	for (int i = 0; i < 3; i++) {
		w[i] = make_new(struct watcher);
		*w[i] = (struct watcher){progress, signals(0), signals(0)};
		go(transfer, w[i]);
		waitgroup_wait(
			&consumers); /* it takes what the first tells of, not what comes first */
	}
	for (int i = 0; i < 3; i++) {
		chan_close(w[i]->release);
		take(w[i]->running);
	}
	chan_close(progress);
}

int main(void)
{
	go(test_transfers, NULL);
	return settled();
}
