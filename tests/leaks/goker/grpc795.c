/* A server is stopped three times; the first time leaves the mutex locked. */
// leaks: 1 "test_stop" waiting for sema acquire
// leaks: 1 "serve" waiting for sema acquire
#include "goker.h"

struct server {
	struct sema *mutex;
	bool drain;
};

static void serve(void *arg)
{
	struct server *s = arg;

	sema_acquire(s->mutex);
	sema_release(s->mutex);
}

static void graceful_stop(struct server *s)
{
	sema_acquire(s->mutex);
	if (s->drain)
		return;
	s->drain = true; /* and is not given back */
}

static void test_stop(void *unused)
{
	struct server *s = make_new(struct server);

	(void)unused;
	s->mutex = make_lock();
	graceful_stop(s);
	go(serve, s);
	for (int i = 0; i < 2; i++)
		graceful_stop(s);
}

int main(void)
{
	go(test_stop, NULL);
	return settled();
}
