/*
 * Two coroutines count in a plain variable, without a lock.
 * fault: race
 */
#include <vole.h>

static int count;

static void counter(void *arg)
{
	(void)arg;
	count++;
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, counter, NULL);
	waitgroup_go(&both, counter, NULL);
	waitgroup_wait(&both);
	return 0;
}
