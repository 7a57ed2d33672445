/* A waitgroup is told of three things to come, and two are done. */
// leaks: 1 "collector" waiting for waitgroup wait
#include <stdlib.h>
#include <vole.h>

static void thing(void *wg)
{
	waitgroup_done(wg);
}

static void collector(void *unused)
{
	struct waitgroup *wg = calloc(1, sizeof *wg);

	(void)unused;
	waitgroup_add(wg, 3);
	for (int i = 0; i < 2; i++)
		go(thing, wg);
	waitgroup_wait(wg);
	free(wg);
}

int main(void)
{
	go(collector, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
