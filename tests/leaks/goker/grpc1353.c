/* A balancer sends addresses with its lock held; who takes them tears connections down, for which it needs it. */
// leaks: 1 "watch_updates" waiting for chan send
// leaks: 1 "lb_watcher" waiting for mutex lock
// leaks: 1 "closer" waiting for chan receive
#include "goker.h"

struct robin {
	struct mutex mutex;
	struct chan *addresses, *help;
};

static void watch_updates(void *arg)
{
	struct robin *r = arg;

	for (int i = 0; i < 100; i++) {
		mutex_lock(&r->mutex);
		give(r->addresses);
		if (i == 0)
			give(r->addresses); /* as if it had come round before the other got the lock */
		mutex_unlock(&r->mutex);
	}
	chan_close(r->help);
}

static void lb_watcher(void *arg)
{
	struct robin *r = arg;

	while (!take(r->addresses)) {
		mutex_lock(&r->mutex); /* down */
		mutex_unlock(&r->mutex);
	}
}

static void closer(void *arg)
{
	struct robin *r = arg;

	take(r->help);
	mutex_lock(&r->mutex);
	chan_close(r->addresses);
	mutex_unlock(&r->mutex);
}

int main(void)
{
	struct robin *r = make_new(struct robin);

	r->addresses = signals(0);
	r->help = signals(0);
	go(watch_updates, r);
	go(lb_watcher, r);
	go(closer, r);
	return settled();
}
