/* A plain variable, and a mutex around every use of it. */
#include <vole.h>

static struct mutex lock;
static int count;

static void counter(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		mutex_lock(&lock);
		count++;
		mutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, counter, NULL);
	waitgroup_wait(&all);
	return count != 15;
}
