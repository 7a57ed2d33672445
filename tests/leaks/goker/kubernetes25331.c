/* After an error, who watches cancels, and sends a result that nobody wants any more. */
// leaks: 1 "watch_run" waiting for chan send
#include "goker.h"

struct watch {
	struct chan *errors, *results, *cancelled;
};

static void watch_stop(void *arg)
{
	struct watch *w = arg;

	give(w->errors);
}

static void watch_run(void *arg)
{
	struct watch *w = arg;
	struct select_case cases[] = {RECEIVE(w->errors), RECEIVE(w->cancelled)};

	if (chan_select(cases, 2) == 0) {
		chan_close(w->cancelled);
		give(w->results);
	}
}

int main(void)
{
	struct watch *w = make_new(struct watch);

	*w = (struct watch){signals(0), signals(0), signals(0)};
	go(watch_run, w);
	go(watch_stop, w);
	return settled();
}
