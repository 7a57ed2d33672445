/*
 * A consumer that was woken takes an item without looking again whether there is one: another, who
 * was woken too, may have taken it.
 * fault: panic
 */
#include <vole.h>

static struct mutex lock;
static struct cond filled;
static int items;

static void consumer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	if (items == 0)
		cond_wait(&filled, &lock);
	if (--items < 0)
		runtime_panic("took what is not there");
	mutex_unlock(&lock);
}

static void producer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	items++;
	cond_broadcast(&filled);
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 2; i++) {
		waitgroup_go(&all, consumer, NULL);
		waitgroup_go(&all, producer, NULL);
	}
	waitgroup_wait(&all);
	return 0;
}
