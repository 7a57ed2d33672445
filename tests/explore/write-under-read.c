/*
 * Counts how often something is read, while it holds the lock of readers only.
 * fault: race
 */
#include <vole.h>

static struct rwmutex lock;
static int reads;

static void reader(void *arg)
{
	(void)arg;
	rwmutex_rlock(&lock);
	reads++;
	rwmutex_runlock(&lock);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, reader, NULL);
	waitgroup_go(&both, reader, NULL);
	waitgroup_wait(&both);
	return 0;
}
