/* An agent is restarted, and one more tells of the end of an epoch, when who takes that has left. */
// leaks: 1 "run_wait" waiting for chan send
#include "goker.h"

struct agent {
	struct mutex mutex;
	struct chan *status, *cancelled, *left;
	int epoch;
};

static void agent_run(void *arg)
{
	struct agent *a = arg;
	struct select_case cases[] = {RECEIVE(a->status), RECEIVE(a->cancelled)};

	chan_select(cases, 2); /* no epoch is left: it returns */
	chan_close(a->left);
}

static void run_wait(void *arg)
{
	struct agent *a = arg;

	give(a->status);
}

static void restart(void *arg)
{
	struct agent *a = arg;

	mutex_lock(&a->mutex);
	if (a->epoch++)
		time_sleep(2 * NSEC_PER_MSEC); /* until it is live, or long enough */
	go(run_wait, a);
	mutex_unlock(&a->mutex);
}

int main(void)
{
	struct agent *a = make_new(struct agent);

	a->status = signals(0);
	a->cancelled = signals(0);
	a->left = signals(0);
	go(agent_run, a);
	restart(a);
	go(restart, a);
	take(a->left);
	chan_close(a->cancelled);
	return settled();
}
