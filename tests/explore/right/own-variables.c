/* A thread-local variable is a coroutine's own. */
#include <vole.h>

static _Thread_local int mine;
static _Atomic int sum;

static void count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		mine++;
		go_yield();
	}
	sum += mine;
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, count, NULL);
	waitgroup_go(&both, count, NULL);
	waitgroup_wait(&both);
	return sum != 6;
}
