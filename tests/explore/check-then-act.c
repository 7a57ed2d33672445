/*
 * Takes the last one of a store after it has looked, under two locks in place of one.
 * fault: panic
 */
#include <vole.h>

static struct mutex lock;
static int left = 1;

static int look(void)
{
	int n;

	mutex_lock(&lock);
	n = left;
	mutex_unlock(&lock);
	return n;
}

static void customer(void *arg)
{
	(void)arg;
	if (look() > 0) {
		mutex_lock(&lock);
		left--;
		if (left < 0)
			runtime_panic("sold twice");
		mutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, customer, NULL);
	waitgroup_go(&both, customer, NULL);
	waitgroup_wait(&both);
	return 0;
}
