/* A strategy that was closed ends its loop; the processor goes on to reset its timer through a channel of one. */
// leaks: 1 "processor" waiting for chan send
#include "goker.h"

struct strategy {
	struct mutex mutex;
	struct chan *reset, *stop, *events;
	struct sema ended;
};

static void event_loop(void *arg)
{
	struct strategy *s = arg;
	struct select_case cases[] = {
		RECEIVE(s->stop)}; /* and not the reset, which is ready, too */

	chan_select(cases, 1);
	sema_release(&s->ended);
}

static void processor(void *arg)
{
	struct strategy *s = arg;

	sema_acquire(&s->ended);
	while (!take(s->events)) {
		mutex_lock(&s->mutex);
		mutex_unlock(&s->mutex);
		give(s->reset);
	}
}

int main(void)
{
	struct strategy *s = make_new(struct strategy);

	s->reset = signals(1);
	s->stop = signals(0);
	s->events = signals(10);
	for (int i = 0; i < 10; i++)
		give(s->events);
	go(event_loop, s);
	go(processor, s);
	chan_close(s->stop);
	return settled();
}
