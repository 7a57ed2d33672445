/* A stream is closed, and who reads from it is not told. */
// leaks: 1 "stream_read" waiting for select
#include "goker.h"

struct stream {
	struct chan *received, *done;
};

static void stream_read(void *arg)
{
	struct stream *s = arg;
	struct select_case cases[] = {RECEIVE(s->received)};

	chan_select(cases, 1);
	chan_close(s->done);
}

static void test_closing(void)
{
	struct stream *s = make_new(struct stream);
	struct select_case done[1];

	*s = (struct stream){signals(0), signals(0)};
	done[0] = (struct select_case)RECEIVE(s->done);
	go(stream_read, s);
	chan_select_until(done, 1, time_now() + NSEC_PER_MSEC);
}

int main(void)
{
	test_closing();
	return settled();
}
