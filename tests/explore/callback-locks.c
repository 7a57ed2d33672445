/*
 * A listener that is called under the lock, and locks it: if it was there when the event came.
 * fault: panic
 */
#include <vole.h>

static struct mutex lock;
static void (*listener)(void);
static int heard;

static void hear(void)
{
	mutex_lock(&lock);
	heard++;
	mutex_unlock(&lock);
}

static void listen(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	listener = hear;
	mutex_unlock(&lock);
}

static void tell(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	if (listener)
		listener();
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, tell, NULL);
	waitgroup_go(&both, listen, NULL);
	waitgroup_wait(&both);
	return 0;
}
