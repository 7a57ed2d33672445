/* A request takes longer than its time allows: its result, or its error, is taken by nobody. */
// leaks: 2 "call_and_tell" waiting for chan send
#include "goker.h"

struct request {
	struct chan *result, *error;
	struct event left;
	bool fails;
};

static void call_and_tell(void *arg)
{
	struct request *r = arg;

	event_wait(&r->left); /* it takes long */
	give(r->fails ? r->error : r->result);
}

static void finish_request(void *fails)
{
	struct request *r = make_new(struct request);
	struct select_case cases[2];

	*r = (struct request){.result = signals(0), .error = signals(0), .fails = fails != NULL};
	cases[0] = (struct select_case)RECEIVE(r->result);
	cases[1] = (struct select_case)RECEIVE(r->error);
	go(call_and_tell, r);
	chan_select_until(cases, 2, time_now() + NSEC_PER_MSEC);
	event_post(&r->left);
}

int main(void)
{
	go(finish_request, NULL);
	go(finish_request, (void *)1);
	return settled();
}
