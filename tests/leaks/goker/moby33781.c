/* Who probes is told to stop, and does not take the result of the probe that is under way. */
// leaks: 1 "probe" waiting for chan send
#include "goker.h"

struct health {
	struct chan *stop;
	struct sema probing;
};

static void probe(void *results)
{
	time_sleep(5 * NSEC_PER_MSEC);
	give(results);
	chan_close(results);
}

static void monitor_probes(void *arg)
{
	struct health *h = arg;
	struct chan *results = signals(0);
	struct select_case cases[] = {RECEIVE(h->stop), RECEIVE(results)};

	go(probe, results);
	sema_release(&h->probing);
	chan_select(cases, 2);
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
	go(monitor_probes, h);
	go(stop_probes, h);
	return settled();
}
