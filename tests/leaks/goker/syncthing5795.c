/* What is dispatched closes the connection, which waits for the end of the dispatcher. */
// leaks: 1 "dispatcher" waiting for chan receive
// leaks: 1 "test_connection" waiting for chan receive
#include "goker.h"

struct connection {
	struct chan *inbox, *closed, *dispatcher_stopped;
	struct once close;
};

static void internal_close(void *arg)
{
	struct connection *c = arg;

	chan_close(c->closed);
	take(c->dispatcher_stopped);
}

static void dispatcher(void *arg)
{
	struct connection *c = arg;
	struct select_case cases[] = {RECEIVE(c->inbox), RECEIVE(c->closed)};

	while (chan_select(cases, 2) == 0)
		once_do(&c->close, internal_close, c);
	chan_close(c->dispatcher_stopped);
}

static void test_connection(void *unused)
{
	struct connection *c = make_new(struct connection);

	(void)unused;
	c->inbox = signals(0);
	c->closed = signals(0);
	c->dispatcher_stopped = signals(0);
	go(dispatcher, c);
	give(c->inbox);
	take(c->dispatcher_stopped);
}

int main(void)
{
	go(test_connection, NULL);
	return settled();
}
