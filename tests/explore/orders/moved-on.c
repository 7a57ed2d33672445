/* More coroutines than a ring holds, so that places of rings are used again while others steal. */
#include <vole.h>

enum { MANY = 400 };

static _Atomic int done;

static void one(void *arg)
{
	(void)arg;
	go_yield();
	done++;
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < MANY; i++)
		waitgroup_go(&all, one, NULL);
	waitgroup_wait(&all);
	return done != MANY;
}
