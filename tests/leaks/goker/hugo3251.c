/* A table of mutexes by name: one is locked with the table locked, and to unlock it the table is needed. */
// leaks: 1 "get_remote" waiting for rwmutex rlock
// leaks: 1 "get_remote_second" waiting for sema acquire
// leaks: 1 "test_remote" waiting for waitgroup wait
#include "goker.h"

struct table {
	struct rwmutex mutex;
	struct sema *url;
	struct waitgroup done;
	struct sema locked, waiting;
};

static void get_remote_second(void *arg)
{
	struct table *t = arg;

	sema_acquire(&t->locked);
	rwmutex_lock(&t->mutex);
	sema_release(&t->waiting);
	sema_acquire(t->url);
	rwmutex_unlock(&t->mutex);
	waitgroup_done(&t->done);
}

static void get_remote(void *arg)
{
	struct table *t = arg;

	rwmutex_lock(&t->mutex);
	sema_acquire(t->url);
	rwmutex_unlock(&t->mutex);
	sema_release(&t->locked);
	sema_acquire(&t->waiting);
	rwmutex_rlock(&t->mutex);
	sema_release(t->url);
	rwmutex_runlock(&t->mutex);
	waitgroup_done(&t->done);
}

static void test_remote(void *unused)
{
	struct table *t = make_new(struct table);

	(void)unused;
	t->url = make_lock();
	waitgroup_add(&t->done, 2);
	go(get_remote, t);
	go(get_remote_second, t);
	waitgroup_wait(&t->done);
}

int main(void)
{
	go(test_remote, NULL);
	return settled();
}
