/* All cores sleep but for a timer of one of them: nobody takes that for the end. */
#include <vole.h>

static void sleeper(void *arg)
{
	for (int i = 0; i < 5; i++)
		time_sleep(1000 * (1 + (uint64_t)(uintptr_t)arg));
}

int main(void)
{
	struct waitgroup all = {0};

	for (uintptr_t i = 0; i < 3; i++)
		waitgroup_go(&all, sleeper, (void *)i);
	waitgroup_wait(&all);
	return 0;
}
