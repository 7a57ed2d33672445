/* Three look something up, each with a read lock in which another is taken, and then with the write lock. */
// leaks: 1 "look_up_first" waiting for rwmutex rlock
// leaks: 2 "look_up" waiting for rwmutex lock
// leaks: 1 "test_range_cache" waiting for waitgroup wait
#include "goker.h"

struct cache {
	struct rwmutex mutex;
	struct waitgroup done;
};

static void look_up(void *arg)
{
	struct cache *c = arg;

	rwmutex_lock(&c->mutex);
	rwmutex_unlock(&c->mutex);
	waitgroup_done(&c->done);
}

static void look_up_first(void *arg)
{
	struct cache *c = arg;

	rwmutex_rlock(&c->mutex);
	go(look_up, c);
	go(look_up, c);
	until_writer_waits(&c->mutex);
	rwmutex_rlock(&c->mutex); /* its description is printed */
	rwmutex_runlock(&c->mutex);
	rwmutex_runlock(&c->mutex);
	look_up(c);
}

static void test_range_cache(void *unused)
{
	struct cache *c = make_new(struct cache);

	(void)unused;
	waitgroup_add(&c->done, 3);
	go(look_up_first, c);
	waitgroup_wait(&c->done);
}

int main(void)
{
	go(test_range_cache, NULL);
	return settled();
}
