/* Fault: two add to a number in two steps, and one addition is lost. */
#include <vole.h>

static _Atomic int number;

static void add(void *arg)
{
	int was = number;

	number = was + 1;
	waitgroup_done(arg);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_add(&both, 2);
	go(add, &both);
	go(add, &both);
	waitgroup_wait(&both);
	return number != 2;
}
