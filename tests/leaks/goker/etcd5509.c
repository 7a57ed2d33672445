/* Who finds the connection closed leaves with the read lock held; who closes it asks for the write lock again. */
// leaks: 1 "client_close" waiting for rwmutex lock
#include "goker.h"

struct client {
	struct rwmutex mutex;
	struct mutex remote;
	bool closed;
	struct sema marked, got;
};

static void get(void *arg)
{
	struct client *c = arg;

	sema_acquire(&c->marked);
	for (;;) {
		rwmutex_rlock(&c->mutex);
		mutex_lock(&c->remote);
		mutex_unlock(&c->remote);
		if (c->closed)
			break; /* without giving it back */
		rwmutex_runlock(&c->mutex);
	}
	sema_release(&c->got);
}

static void client_close(void *arg)
{
	struct client *c = arg;

	rwmutex_lock(&c->mutex);
	c->closed = true;
	rwmutex_unlock(&c->mutex);
	sema_release(&c->marked);
	sema_acquire(&c->got);
	rwmutex_lock(&c->mutex);
	rwmutex_unlock(&c->mutex);
}

int main(void)
{
	struct client *c = make_new(struct client);

	go(get, c);
	go(client_close, c);
	return settled();
}
