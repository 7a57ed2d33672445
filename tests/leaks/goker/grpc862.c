/* A connection that was cancelled while it was dialled is not closed: it is dialled again and again. What it waits
 * for between is a timer: that never ends, but it is no leak that marking can find. */
#include "goker.h"

struct connection {
	struct chan *closed;
};

static void reset_transport(void *arg)
{
	struct connection *c = arg;

	for (int retries = 1; retries < 100; retries++) {
		struct select_case cases[] = {RECEIVE(c->closed)};

		if (chan_select_until(cases, 1, time_now() + NSEC_PER_MSEC) == 0)
			return;
	}
	time_sleep(3600 * NSEC_PER_SEC); /* as long as there is a machine */
}

int main(void)
{
	struct connection *c = make_new(struct connection);

	c->closed = signals(0);
	go(reset_transport, c);
	return settled();
}
