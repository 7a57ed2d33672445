/* The first program: ten coroutines say where they run, main waits for them. */
#include <stdio.h>
#include <vole.h>

static void greet(void *arg)
{
	printf("hello from core %d, %s\n", runtime_core(), (const char *)arg);
}

int main(void)
{
	struct waitgroup wg = {0};

	for (int i = 0; i < 10; i++)
		waitgroup_go(&wg, greet, "a coroutine");
	waitgroup_wait(&wg);
	return 0;
}
