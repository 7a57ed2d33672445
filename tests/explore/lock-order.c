/*
 * Two coroutines take two locks in different order.
 * fault: deadlock
 */
#include <vole.h>

static struct mutex a, b;

static void one_way(void *arg)
{
	(void)arg;
	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
}

static void other_way(void *arg)
{
	(void)arg;
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, one_way, NULL);
	waitgroup_go(&both, other_way, NULL);
	waitgroup_wait(&both);
	return 0;
}
