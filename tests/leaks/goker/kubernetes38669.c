/* A watcher sends its first events before it looks whether it is to stop, and nobody takes them. */
// leaks: 1 "watcher_process" waiting for chan send
#include "goker.h"

struct watcher {
	struct mutex mutex;
	struct chan *input, *result;
};

static void watcher_process(void *arg)
{
	struct watcher *w = arg;

	for (int i = 0; i < 2; i++)
		give(w->result);
	while (!take(w->input))
		;
	chan_close(w->result);
}

static void watcher_stop(struct watcher *w)
{
	mutex_lock(&w->mutex);
	chan_close(w->input);
	mutex_unlock(&w->mutex);
}

static void test_watcher(void *unused)
{
	struct watcher *w = make_new(struct watcher);

	(void)unused;
	w->input = signals(0);
	w->result = signals(0);
	go(watcher_process, w);
	watcher_stop(w);
}

int main(void)
{
	go(test_watcher, NULL);
	return settled();
}
