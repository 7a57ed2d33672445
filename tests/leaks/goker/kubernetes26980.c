/* Who has notifications waits with the lock held to be stopped; the one that would stop it waits for the lock. */
// leaks: 1 "pop" waiting for select
// leaks: 1 "locks" waiting for mutex lock
// leaks: 1 "test_listener" waiting for chan receive
#include "goker.h"

struct listener {
	struct mutex mutex;
	struct chan *stop, *result;
	struct sema popping;
};

static void pop(void *arg)
{
	struct listener *l = arg;
	struct select_case cases[] = {RECEIVE(l->stop)};

	mutex_lock(&l->mutex);
	sema_release(&l->popping);
	chan_select(cases, 1);
	mutex_unlock(&l->mutex);
}

static void locks(void *arg)
{
	struct listener *l = arg;

	sema_acquire(&l->popping);
	mutex_lock(&l->mutex);
	chan_close(l->result);
	mutex_unlock(&l->mutex);
}

static void test_listener(void *unused)
{
	struct listener *l = make_new(struct listener);

	(void)unused;
	l->stop = signals(0);
	l->result = signals(0);
	go(pop, l);
	go(locks, l);
	take(l->result);
	chan_close(l->stop);
}

int main(void)
{
	go(test_listener, NULL);
	return settled();
}
