/* Who probes is told to stop, and does not take the result of the probe that is under way. */
// leaks: 1 "probe" waiting for chan send
#include "goker.h"

struct health {
	struct chan *stop, *results;
	struct sema probing;
	struct event left;
};

static void probe(void *arg)
{
	struct health *h = arg;

	event_wait(&h->left); /* it takes long */
	give(h->results);
	chan_close(h->results);
}

static void monitor_probes(void *arg)
{
	struct health *h = arg;
	struct select_case cases[] = {RECEIVE(h->stop), RECEIVE(h->results)};

	go(probe, h);
	sema_release(&h->probing);
	chan_select(cases, 2);
	event_post(&h->left);
}

static void stop_probes(void *arg)
{
	struct health *h = arg;

	sema_acquire(&h->probing);
	give(h->stop);
}

int main(void)
{
	struct health *h = make_new(struct health);

	h->stop = signals(0);
	h->results = signals(0);
	go(monitor_probes, h);
	go(stop_probes, h);
	return settled();
}
