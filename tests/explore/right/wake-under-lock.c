/* Looks whether it must wait, and waits, under one lock: no wake-up comes in between. */
#include <vole.h>

static struct mutex lock;
static struct cond changed;
static bool ready;

static void producer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	ready = true;
	cond_signal(&changed);
	mutex_unlock(&lock);
}

static void consumer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	while (!ready)
		cond_wait(&changed, &lock);
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, consumer, NULL);
	waitgroup_go(&both, producer, NULL);
	waitgroup_wait(&both);
	return 0;
}
