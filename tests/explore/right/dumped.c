/* Who is taken off a core in the middle of something, and goes on, is looked at again and again. */
#include <stdatomic.h>
#include <vole.h>

enum { TIMES = 4 };

static atomic_int left = 2;

static void busy(void *arg)
{
	(void)arg;
	for (volatile int i = 0; i < 100; i++)
		;
	atomic_fetch_sub(&left, 1);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, busy, NULL);
	waitgroup_go(&all, busy, NULL);
	for (int i = 0; i < TIMES && atomic_load(&left); i++) {
		runtime_dump();
		go_yield();
	}
	waitgroup_wait(&all);
	return 0;
}
