/* Looks and takes under one lock. */
#include <vole.h>

static struct mutex lock;
static int left = 1, sold;

static void customer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	if (left > 0) {
		left--;
		sold++;
	}
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, customer, NULL);
	waitgroup_wait(&all);
	return left != 0 || sold != 1;
}
