/* One sends an event to another, which calls back the first; both may stop, but nobody tells them. */
// leaks: 1 "process_raft" waiting for select
// leaks: 1 "state_start" waiting for select
#include "goker.h"

struct raft {
	struct chan *events, *callbacks, *stop;
};

static void process_raft(void *arg)
{
	struct raft *r = arg;
	struct select_case call_back[] = {SEND(r->callbacks), RECEIVE(r->stop)};

	take(r->events);
	chan_select(call_back, 2);
}

/* Between two events it would have looked for callbacks. */
static void state_start(void *arg)
{
	struct raft *r = arg;
	struct select_case event[] = {SEND(r->events), RECEIVE(r->stop)};

	while (chan_select(event, 2) == 0)
		;
}

int main(void)
{
	struct raft *r = make_new(struct raft);

	*r = (struct raft){signals(0), signals(0), signals(0)};
	go(process_raft, r);
	go(state_start, r);
	return settled();
}
