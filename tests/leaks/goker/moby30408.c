/* A plugin has failed, and who waits for it looks for its manifest only. */
// leaks: 1 "wait_manifest" waiting for cond wait
// leaks: 1 "test_failed" waiting for chan receive
#include "goker.h"

struct plugin {
	struct mutex mutex;
	struct cond activate;
	void *manifest;
	int error;
	struct chan *done;
};

static void wait_manifest(void *arg)
{
	struct plugin *p = arg;

	mutex_lock(&p->mutex);
	while (!p->manifest)
		cond_wait(&p->activate, &p->mutex);
	mutex_unlock(&p->mutex);
	chan_close(p->done);
}

static void test_failed(void *unused)
{
	struct plugin *p = make_new(struct plugin);

	(void)unused;
	p->done = signals(0);
	go(wait_manifest, p);
	mutex_lock(&p->mutex);
	p->error = -1;
	cond_broadcast(&p->activate);
	mutex_unlock(&p->mutex);
	take(p->done);
}

int main(void)
{
	go(test_failed, NULL);
	return settled();
}
