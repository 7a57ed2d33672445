/* A cache is locked for the time in which it is filled; an event locks the store, then the cache; the filling, begun
 * anew, locks them the other way round. */
// leaks: 1 "start_caching" waiting for rwmutex lock
// leaks: 1 "watch_add" waiting for mutex lock
#include "goker.h"

struct cacher {
	struct mutex cache;
	struct rwmutex store;
	struct sema filling, adding;
};

static void start_caching(void *arg)
{
	struct cacher *c = arg;

	mutex_lock(&c->cache);
	sema_release(&c->filling);
	sema_acquire(&c->adding);
	rwmutex_lock(&c->store); /* replace */
	mutex_unlock(&c->cache);
	rwmutex_unlock(&c->store);
}

static void watch_add(void *arg)
{
	struct cacher *c = arg;

	rwmutex_lock(&c->store);
	sema_release(&c->adding);
	sema_acquire(&c->filling);
	mutex_lock(&c->cache); /* process the event */
	mutex_unlock(&c->cache);
	rwmutex_unlock(&c->store);
}

int main(void)
{
	struct cacher *c = make_new(struct cacher);

	go(start_caching, c);
	go(watch_add, c);
	return settled();
}
