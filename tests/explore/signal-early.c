/*
 * A condition is signalled, and nothing remembers it: who comes to wait later waits for ever.
 * fault: deadlock
 */
#include <vole.h>

static struct mutex lock;
static struct cond started;

static void waiter(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	cond_wait(&started, &lock);
	mutex_unlock(&lock);
}

static void starter(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	cond_signal(&started);
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, waiter, NULL);
	waitgroup_go(&both, starter, NULL);
	waitgroup_wait(&both);
	return 0;
}
