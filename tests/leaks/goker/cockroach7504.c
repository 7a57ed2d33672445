/* A lease and the cache of names are locked in two orders. */
// leaks: 1 "acquire_by_name" waiting for mutex lock
// leaks: 1 "release" waiting for mutex lock
// leaks: 1 "test_leases" waiting for waitgroup wait
#include "goker.h"

struct manager {
	struct mutex names, lease;
	struct sema one, two;
	struct waitgroup done;
};

static void acquire_by_name(void *arg)
{
	struct manager *m = arg;

	mutex_lock(&m->names);
	sema_release(&m->one);
	sema_acquire(&m->two);
	mutex_lock(&m->lease);
	mutex_unlock(&m->lease);
	mutex_unlock(&m->names);
	waitgroup_done(&m->done);
}

static void release(void *arg)
{
	struct manager *m = arg;

	mutex_lock(&m->lease);
	sema_release(&m->two);
	sema_acquire(&m->one);
	mutex_lock(&m->names);
	mutex_unlock(&m->names);
	mutex_unlock(&m->lease);
	waitgroup_done(&m->done);
}

static void test_leases(void *unused)
{
	struct manager *m = make_new(struct manager);

	(void)unused;
	waitgroup_add(&m->done, 2);
	go(acquire_by_name, m);
	go(release, m);
	waitgroup_wait(&m->done);
}

int main(void)
{
	go(test_leases, NULL);
	return settled();
}
