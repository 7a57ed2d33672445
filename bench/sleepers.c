/*
 * sleepers.c N: N coroutines that sleep at the same time: the processor time it takes to make one
 * and have it fall asleep (arm), and to wake it at a moment of its own and have it end (fire); and to
 * make it and have it fall asleep once more (again), when nobody has to supply memory for it.
 */
#include <time.h>

#include "bench.h"

static uint64_t first; /* from when on they wake up, within a second */
static long asleep, awake;

static uint64_t next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

static void sleeper(void *arg)
{
	(void)arg;
	asleep++;
	time_sleep_until(first + next_random() % NSEC_PER_SEC);
	awake++;
}

static uint64_t processor_time(void)
{
	return (uint64_t)clock() * (NSEC_PER_SEC / CLOCKS_PER_SEC);
}

/* Has n sleep until so long from now, and after. Returns how long it took until they all slept. */
static uint64_t run(long n, uint64_t wait, double *arm, double *fire)
{
	struct waitgroup wg = {0};
	uint64_t begun = time_now(), start = processor_time(), armed, taken;

	asleep = awake = 0;
	first = begun + wait;
	for (long i = 0; i < n; i++)
		must(waitgroup_go(&wg, sleeper, NULL) == 0, "a coroutine starts");
	while (asleep < n)
		go_yield();
	armed = processor_time();
	taken = time_now() - begun;
	waitgroup_wait(&wg);
	must(awake == n, "all wake up");
	*arm = (double)(armed - start) / (double)n;
	*fire = (double)(processor_time() - armed) / (double)n;
	return taken;
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 1000000);
	double arm, fire, again, ignored;
	/* A tenth of them first, which tells how long all will take; others may compute, too. */
	uint64_t wait = 2 * 10 * run(n / 10, NSEC_PER_SEC, &arm, &fire) + 4 * NSEC_PER_SEC;

	must(run(n, wait, &arm, &fire) < wait, "all sleep at once");
	must(run(n, wait, &again, &ignored) < wait, "all sleep at once");
	report(arm, "ns", "sleepers-arm");
	report(fire, "ns", "sleepers-fire");
	report(again, "ns", "sleepers-again");
	return 0;
}
