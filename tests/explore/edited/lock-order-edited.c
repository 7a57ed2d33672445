/*
 * tests/explore/lock-order.c, on which somebody has gone on working: a schedule of that one means the same here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

static _Atomic int greeted;
static struct mutex a, b;
static int taken;

static void greeter(void *arg)
{
	(void)arg;
	greeted++;
}

static void one_way(void *arg)
{
	int *history = calloc(8, sizeof *history);

	(void)arg;
	for (int i = 0; history && i < 8; i++)
		history[i] = greeted + i;
	printf("one way\n");
	mutex_lock(&a);
	mutex_lock(&b);
	taken++;
	mutex_unlock(&b);
	mutex_unlock(&a);
	free(history);
}

static void other_way(void *arg)
{
	(void)arg;
	mutex_lock(&b);
	mutex_lock(&a);
	taken++;
	mutex_unlock(&a);
	mutex_unlock(&b);
}

int main(void)
{
	struct waitgroup both = {0}, greeters = {0};

	printf("Two coroutines take two locks.\n");
	waitgroup_go(&greeters, greeter, NULL);
	waitgroup_wait(&greeters);
	waitgroup_go(&both, one_way, NULL);
	waitgroup_go(&both, other_way, NULL);
	waitgroup_wait(&both);
	printf("%d times\n", taken);
	return 0;
}
