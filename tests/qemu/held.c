/*
 * As many coroutines as the first word says wait for mutexes: each for one of its own, which another holds; or, with a
 * second word, all for one. Then a dump of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

static struct mutex *mutexes;
static struct waitgroup ready;

static void holder(void *arg)
{
	mutex_lock(arg);
	waitgroup_done(&ready);
	chan_select(NULL, 0);
}

static void waiter(void *arg)
{
	mutex_lock(arg);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10, held = argc > 2 ? 1 : n;
	struct runtime_stats stats;

	mutexes = calloc((size_t)n, sizeof(*mutexes));
	waitgroup_add(&ready, held);
	for (int i = 0; i < held; i++)
		go(holder, &mutexes[i]);
	waitgroup_wait(&ready);
	for (int i = 0; i < n; i++)
		go(waiter, &mutexes[i % held]);
	do {
		time_sleep(NSEC_PER_MSEC);
		runtime_stats(&stats);
	} while (stats.parked < (size_t)n + (size_t)held);
	runtime_dump();
	puts("dumped");
	return 0;
}
