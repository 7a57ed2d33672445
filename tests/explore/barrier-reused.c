/*
 * A barrier that is used twice: who is slow to leave it the first time finds it closed again, and
 * waits for somebody who waits for it.
 * fault: deadlock
 */
#include <vole.h>

static struct mutex lock;
static struct cond all_here;
static int here;

static void barrier(void)
{
	mutex_lock(&lock);
	here = (here + 1) % 2;
	while (here != 0)
		cond_wait(&all_here, &lock);
	cond_broadcast(&all_here);
	mutex_unlock(&lock);
}

static void worker(void *arg)
{
	(void)arg;
	barrier();
	barrier();
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, worker, NULL);
	waitgroup_go(&both, worker, NULL);
	waitgroup_wait(&both);
	return 0;
}
