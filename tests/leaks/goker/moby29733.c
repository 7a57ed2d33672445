/* A plugin is waited for until it is active; nobody tells of that. (In Go, a variable leads to the plugin: there
 * and here, that is no leak. So it is of the coroutines' alone here.) */
// leaks: 1 "wait_active" waiting for cond wait
// leaks: 1 "test_active" waiting for chan receive
#include "goker.h"

struct plugin {
	struct mutex mutex;
	struct cond activate;
	bool activated;
	struct chan *done;
};

static void wait_active(void *arg)
{
	struct plugin *p = arg;

	mutex_lock(&p->mutex);
	while (!p->activated)
		cond_wait(&p->activate, &p->mutex);
	mutex_unlock(&p->mutex);
	chan_close(p->done);
}

static void test_active(void *unused)
{
	struct plugin *p = make_new(struct plugin);

	(void)unused;
	p->done = signals(0);
	go(wait_active, p);
	take(p->done);
}

int main(void)
{
	go(test_active, NULL);
	return settled();
}
