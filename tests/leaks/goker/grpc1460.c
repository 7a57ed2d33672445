/* keepalive waits with the mutex held to be woken; who makes the first stream needs the mutex to wake it. */
// leaks: 1 "keepalive" waiting for chan receive
// leaks: 1 "new_stream" waiting for mutex lock
#include "goker.h"

struct client {
	struct mutex mutex;
	struct chan *awaken;
	int streams;
	struct sema asleep;
};

static void keepalive(void *arg)
{
	struct client *c = arg;

	mutex_lock(&c->mutex);
	sema_release(&c->asleep);
	if (c->streams < 1)
		take(c->awaken);
	mutex_unlock(&c->mutex);
}

static void new_stream(void *arg)
{
	struct client *c = arg;

	sema_acquire(&c->asleep);
	mutex_lock(&c->mutex);
	if (++c->streams == 1)
		chan_try_send(c->awaken, (void *)NULL);
	mutex_unlock(&c->mutex);
}

int main(void)
{
	struct client *c = make_new(struct client);

	c->awaken = signals(0);
	go(keepalive, c);
	go(new_stream, c);
	return settled();
}
