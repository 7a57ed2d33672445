/* A loop waits for a condition, or its end; at the end it signals the condition before the one waits that it has
 * started for it, and then for that one. */
// leaks: 1 "wait_cond" waiting for cond wait
// leaks: 1 "service_loop" waiting for chan receive
// leaks: 1 "test_notify" waiting for chan receive
#include "goker.h"

struct notifier {
	struct mutex mutex;
	struct cond cond;
	struct chan *waited, *finished, *served;
	struct event locked;
};

static void wait_cond(void *arg)
{
	struct notifier *n = arg;

	take(n->finished); /* it comes late */
	mutex_lock(&n->mutex);
	cond_wait(&n->cond, &n->mutex);
	mutex_unlock(&n->mutex);
	chan_close(n->waited);
}

static void service_loop(void *arg)
{
	struct notifier *n = arg;
	struct select_case cases[] = {RECEIVE(n->finished), RECEIVE(n->waited)};

	go(wait_cond, n);
	mutex_lock(&n->mutex);
	event_post(&n->locked);
	if (chan_select(cases, 2) == 0) {
		cond_signal(&n->cond);
		mutex_unlock(&n->mutex);
		take(n->waited);
	}
	chan_close(n->served);
}

static void test_notify(void *unused)
{
	struct notifier *n = make_new(struct notifier);

	(void)unused;
	n->waited = signals(0);
	n->finished = signals(0);
	n->served = signals(0);
	go(service_loop, n);
	event_wait(&n->locked);
	chan_close(n->finished);
	take(n->served);
}

int main(void)
{
	go(test_notify, NULL);
	return settled();
}
