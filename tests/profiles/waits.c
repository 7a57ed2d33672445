/* Two coroutines, one of which sleeps with the mutex that the other one waits for. */
#include <vole.h>

enum { TIMES = 20 };

static struct mutex m;

static void locker(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		mutex_lock(&m);
		time_sleep(5 * NSEC_PER_MSEC);
		mutex_unlock(&m);
		go_yield();
	}
}

int main(void)
{
	struct waitgroup wg = {0};

	waitgroup_go(&wg, locker, NULL);
	waitgroup_go(&wg, locker, NULL);
	waitgroup_wait(&wg);
	return 0;
}
