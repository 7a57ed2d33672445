/* The followers of an election wait with the mutex held for the next round, which the leader is to begin with it. */
// leaks: 1 "follower" waiting for chan receive
// leaks: 2 "follower" waiting for mutex lock
// leaks: 1 "run_election" waiting for waitgroup wait
#include "goker.h"

struct election {
	struct mutex mutex;
	struct chan *next;
	struct waitgroup done;
};

static void follower(void *arg)
{
	struct election *e = arg;

	mutex_lock(&e->mutex);
	take(e->next);
	mutex_unlock(&e->mutex);
	waitgroup_done(&e->done);
}

static void run_election(void *unused)
{
	struct election *e = make_new(struct election);

	(void)unused;
	e->next = signals(0);
	waitgroup_add(&e->done, 3);
	for (int i = 0; i < 3; i++)
		go(follower, e);
	waitgroup_wait(&e->done);
	chan_close(e->next);
}

int main(void)
{
	go(run_election, NULL);
	return settled();
}
