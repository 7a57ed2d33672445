/* A node is asked for its status after it was stopped: nobody takes the question. */
// leaks: 1 "status" waiting for chan send
#include "goker.h"

struct node {
	struct chan *status, *stop, *done;
};

static void run(void *arg)
{
	struct node *n = arg;
	struct chan *answer;
	struct select_case cases[] = {{n->status, SELECT_RECV, &answer, 0}, RECEIVE(n->stop)};

	while (chan_select(cases, 2) == 0)
		give(answer);
	chan_close(n->done);
}

static void stop(void *arg)
{
	struct node *n = arg;
	struct select_case cases[] = {SEND(n->stop), RECEIVE(n->done)};

	if (chan_select(cases, 2) == 0)
		take(n->done);
}

static void status(void *arg)
{
	struct node *n = arg;
	struct chan *answer = signals(0);

	take(n->done); /* it comes late */
	chan_send(n->status, &answer);
	take(answer);
}

int main(void)
{
	struct node *n = make_new(struct node);

	*n = (struct node){chan_of(struct chan *, 0), signals(0), signals(0)};
	go(run, n);
	go(status, n);
	go(stop, n);
	return settled();
}
