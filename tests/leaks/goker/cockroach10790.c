/* A cancellation ends who sends and has another drain the channels, into which nobody sends any more. */
// leaks: 2 "drain" waiting for chan receive
#include "goker.h"

struct replica {
	struct chan *chan[2], *cancelled;
};

static void drain(void *arg)
{
	struct replica *r = arg;

	for (int i = 0; i < 2; i++)
		take(r->chan[i]);
}

static void begin_commands(void *arg)
{
	struct replica *r = arg;

	for (int i = 0; i < 2; i++) {
		struct select_case cases[] = {RECEIVE(r->chan[i]), RECEIVE(r->cancelled)};

		if (chan_select(cases, 2) == 1)
			go(drain, r);
	}
}

int main(void)
{
	struct replica *r = make_new(struct replica);

	*r = (struct replica){{signals(0), signals(0)}, signals(0)};
	chan_close(r->cancelled);
	go(begin_commands, r);
	return settled();
}
