/* Who watches a balancer ends without closing the channel by which that is to be told. */
// leaks: 1 "dial" waiting for chan receive
#include "goker.h"

struct connection {
	struct chan *addresses, *done;
};

static void watch(void *arg)
{
	struct connection *c = arg;

	while (!take(c->addresses))
		;
}

static void dial(void *arg)
{
	struct connection *c = arg;

	c->done = signals(0);
	go(watch, c);
	take(c->done);
}

int main(void)
{
	struct connection *c = make_new(struct connection);

	c->addresses = signals(0);
	go(dial, c);
	chan_close(c->addresses);
	return settled();
}
