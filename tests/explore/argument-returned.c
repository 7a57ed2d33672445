/*
 * A function starts a coroutine, gives it the address of a local variable, and returns. Nobody uses that memory
 * anew in a way that would be a race, and the coroutine that had it goes on.
 * fault: memory
 */
#include <vole.h>

static void child(void *arg)
{
	int *count = arg;

	*count += 1;
}

static __attribute__((noinline)) void start(void)
{
	int count = 0;

	go(child, &count);
}

int main(void)
{
	start();
	time_sleep(NSEC_PER_SEC);
	return 0;
}
