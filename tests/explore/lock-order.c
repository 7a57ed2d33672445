/* Fault: two take two locks in different order. */
#include <vole.h>

static struct mutex a, b;

static void one_way(void *arg)
{
	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	waitgroup_done(arg);
}

static void other_way(void *arg)
{
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
	waitgroup_done(arg);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_add(&both, 2);
	go(one_way, &both);
	go(other_way, &both);
	waitgroup_wait(&both);
	return 0;
}
