/* Fault: takes the last one of a store after it has looked, under two locks in place of one. */
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
	if (look() > 0) {
		mutex_lock(&lock);
		left--;
		if (left < 0)
			runtime_panic("sold twice");
		mutex_unlock(&lock);
	}
	waitgroup_done(arg);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_add(&both, 2);
	go(customer, &both);
	go(customer, &both);
	waitgroup_wait(&both);
	return 0;
}
