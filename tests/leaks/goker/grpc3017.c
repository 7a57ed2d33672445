/* The function of a timer that was stopped too late returns with the lock held. */
// leaks: 1 "remove_and_add" waiting for sema acquire
// leaks: 1 "test_cache" waiting for chan receive
#include "goker.h"

struct cache {
	struct sema *mutex;
	bool abort_deleting;
	struct timer timer;
	struct chan *done;
	struct sema fired;
};

static void delete_later(void *arg)
{
	struct cache *c = arg;

	sema_acquire(c->mutex);
	if (c->abort_deleting) {
		sema_release(&c->fired);
		return; /* without giving it back */
	}
	sema_release(c->mutex);
}

static void remove_and_add(void *arg)
{
	struct cache *c = arg;

	sema_acquire(c->mutex);
	timer_start(&c->timer, time_now(), 0, delete_later, c);
	while (timer_stop(&c->timer)) { /* it shall have fired */
		timer_start(&c->timer, time_now(), 0, delete_later, c);
		time_sleep(NSEC_PER_MSEC);
	}
	c->abort_deleting = true;
	sema_release(c->mutex);
	sema_acquire(&c->fired);
	sema_acquire(c->mutex);
	sema_release(c->mutex);
	chan_close(c->done);
}

static void test_cache(void *unused)
{
	struct cache *c = make_new(struct cache);

	(void)unused;
	c->mutex = make_lock();
	c->done = signals(0);
	go(remove_and_add, c);
	take(c->done);
}

int main(void)
{
	go(test_cache, NULL);
	return settled();
}
