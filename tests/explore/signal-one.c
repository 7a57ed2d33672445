/*
 * Producers and consumers wait for one condition, and one signal wakes one of them: perhaps the
 * wrong one, who goes back to sleep and wakes nobody.
 * fault: deadlock
 */
#include <vole.h>

enum { EACH = 3 };

static struct mutex lock;
static struct cond changed;
static int full;

static void change(int from, int to)
{
	mutex_lock(&lock);
	while (full != from)
		cond_wait(&changed, &lock);
	full = to;
	cond_signal(&changed);
	mutex_unlock(&lock);
}

static void producer(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH; i++)
		change(0, 1);
}

static void consumer(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH; i++)
		change(1, 0);
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 2; i++) {
		waitgroup_go(&all, producer, NULL);
		waitgroup_go(&all, consumer, NULL);
	}
	waitgroup_wait(&all);
	return 0;
}
