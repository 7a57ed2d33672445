/* Who polls until something is so ends by its own deadline or when it is told; who waits for it to be told is to
 * tell it. (The poller goes on, as long as its deadline is.) */
// leaks: 1 "test_wait" waiting for chan receive
#include "goker.h"

struct poll {
	struct chan *found, *stop;
};

static void poller(void *arg)
{
	struct poll *p = arg;
	uint64_t deadline = time_now() + 3600 * NSEC_PER_SEC;
	struct ticker ticker;

	ticker_start(&ticker, NSEC_PER_MSEC);
	for (int which = 0; which == 0;) {
		struct select_case cases[] = {{ticker.chan, SELECT_RECV, NULL, 0}};

		which = chan_select_until(cases, 1, deadline);
		chan_try_send(p->found, (void *)NULL);
	}
	ticker_stop(&ticker);
}

static void test_wait(void *unused)
{
	struct poll p = {signals(0), signals(0)};
	struct poll *own = make_new(struct poll);

	(void)unused;
	own->found = p.found; /* the poller knows nothing of stop: it has a timeout */
	go(poller, own);
	take(p.found);
	take(p.stop);
	chan_close(p.stop);
}

int main(void)
{
	go(test_wait, NULL);
	return settled();
}
