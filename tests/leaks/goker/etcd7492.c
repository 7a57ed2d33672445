/* Who assigns a token holds the lock while it hands it to the keeper, which needs the lock to delete old ones. */
// leaks: 1 "keeper" waiting for rwmutex lock
// leaks: 1 "assign" waiting for chan send
// leaks: 2 "assign" waiting for rwmutex lock
// leaks: 1 "test_store" waiting for waitgroup wait
#include "goker.h"

struct tokens {
	struct rwmutex mutex;
	struct chan *added, *stop;
	struct waitgroup done;
	struct sema deleting;
	struct event locked;
};

static void keeper(void *arg)
{
	struct tokens *t = arg;
	struct ticker ticker;

	ticker_start(&ticker, NSEC_PER_MSEC);
	for (bool any = false;;) {
		struct select_case cases[] = {RECEIVE(t->added),
					      {ticker.chan, SELECT_RECV, NULL, 0},
					      RECEIVE(t->stop)};
		int which = chan_select(cases, 3);

		if (which == 2)
			break;
		if (which == 1 && any) {
			for (int i = 0; i < 3; i++)
				sema_release(&t->deleting);
			event_wait(&t->locked);
			ticker_stop(&ticker);
			rwmutex_lock(&t->mutex); /* delete what is old */
			rwmutex_unlock(&t->mutex);
			any = false;
		}
		any |= which == 0;
	}
	ticker_stop(&ticker);
}

static void assign(void *arg)
{
	struct tokens *t = arg;

	sema_acquire(&t->deleting);
	rwmutex_lock(&t->mutex);
	event_post(&t->locked);
	give(t->added);
	give(t->added);
	rwmutex_unlock(&t->mutex);
	waitgroup_done(&t->done);
}

static void test_store(void *unused)
{
	struct tokens *t = make_new(struct tokens);

	(void)unused;
	t->added = signals(1);
	t->stop = signals(0);
	waitgroup_add(&t->done, 3);
	go(keeper, t);
	for (int i = 0; i < 3; i++)
		go(assign, t);
	give(t->added);
	waitgroup_wait(&t->done);
	chan_close(t->stop);
}

int main(void)
{
	go(test_store, NULL);
	return settled();
}
