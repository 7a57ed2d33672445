/* Many that do nothing but yield are stolen and stolen back, so that the ring of each core begins anew. */
#include <vole.h>

enum { MANY = 16, TIMES = 12 };

static void yields(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++)
		go_yield();
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < MANY; i++)
		waitgroup_go(&all, yields, NULL);
	waitgroup_wait(&all);
	return 0;
}
