/* A worker sends events and looks between two whether it is to stop; who takes them stops first. */
// leaks: 1 "transport" waiting for chan send
// leaks: 1 "stop" waiting for waitgroup wait
#include "goker.h"

struct stopper {
	struct chan *stopping, *events;
	struct waitgroup workers;
	struct event gives_last;
};

static void transport(void *arg)
{
	struct stopper *s = arg;
	struct select_case stopping[] = {RECEIVE(s->stopping)};

	for (int i = 0; chan_try_select(stopping, 1) != 0; i++) {
		if (i == 3)
			event_post(&s->gives_last);
		give(s->events);
	}
	waitgroup_done(&s->workers);
}

static void process(void *arg)
{
	struct stopper *s = arg;

	for (int i = 0; i < 3; i++)
		take(s->events);
	take(s->stopping); /* of the two cases that are ready, this one is chosen */
	waitgroup_done(&s->workers);
}

static void stop(void *arg)
{
	struct stopper *s = arg;

	event_wait(&s->gives_last);
	chan_close(s->stopping);
	waitgroup_wait(&s->workers);
}

int main(void)
{
	struct stopper *s = make_new(struct stopper);

	s->stopping = signals(0);
	s->events = signals(0);
	waitgroup_add(&s->workers, 2);
	go(transport, s);
	go(process, s);
	go(stop, s);
	return settled();
}
