/* A benchmark is stopped while one of its requests is under way, whose end nobody takes. */
// leaks: 1 "request" waiting for chan send
#include "goker.h"

struct benchmark {
	struct chan *stop;
};

static void request(void *done)
{
	time_sleep(2 * NSEC_PER_MSEC);
	give(done);
}

static void close_loop(void *arg)
{
	struct benchmark *b = arg;

	for (;;) {
		struct chan *done = signals(0);
		struct select_case cases[] = {RECEIVE(b->stop), RECEIVE(done)};

		go(request, done);
		if (chan_select(cases, 2) == 0)
			return;
		chan_free(done);
	}
}

static void stopper(void *stop)
{
	give(stop);
}

int main(void)
{
	struct benchmark *b = make_new(struct benchmark);

	b->stop = signals(0);
	go(close_loop, b);
	go(stopper, b->stop);
	return settled();
}
