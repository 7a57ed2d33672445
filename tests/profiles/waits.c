/* Two coroutines, one of which sleeps with the mutex that the other one waits for; and who allocates. With an argument main only
 * sleeps, on the last core, where nothing else is to be done. */
#include <stdlib.h>
#include <vole.h>

enum { TIMES = 20, BLOCKS = 4000, BIG = 3000, SMALL = 1000 };

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

static __attribute__((noinline)) void hoard(void)
{
	void *volatile block = malloc(BIG);

	free(block);
}

static __attribute__((noinline)) void save(void)
{
	void *volatile block = malloc(SMALL);

	free(block);
}

int main(int argc, char **)
{
	struct waitgroup wg = {0};

	if (argc > 1) {
		go_pin(runtime_cores() - 1);
		for (int i = 0; i < TIMES; i++)
			time_sleep(5 * NSEC_PER_MSEC);
		return 0;
	}
	waitgroup_go(&wg, locker, NULL);
	waitgroup_go(&wg, locker, NULL);
	waitgroup_wait(&wg);
	for (int i = 0; i < BLOCKS; i++) {
		hoard();
		save();
	}
	return 0;
}
