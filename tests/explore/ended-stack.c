/*
 * A coroutine gives the address of a local variable to another and ends.
 * fault: memory or race
 */
#include <vole.h>

static void child(void *arg)
{
	int *value = arg;

	go_yield();
	*value += 1;
}

static void parent(void *arg)
{
	int value = 1;

	(void)arg;
	go(child, &value);
}

int main(void)
{
	go(parent, NULL);
	time_sleep(NSEC_PER_SEC);
	return 0;
}
