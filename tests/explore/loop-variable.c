/*
 * Every coroutine gets the address of the one loop variable, which goes on.
 * fault: race
 */
#include <vole.h>

static _Atomic int sum;

static void add(void *arg)
{
	sum += *(const int *)arg;
}

int main(void)
{
	struct waitgroup all = {0};
	int i;

	for (i = 1; i <= 2; i++)
		waitgroup_go(&all, add, &i);
	waitgroup_wait(&all);
	return sum != 3;
}
