/* spawn.c N: starts N coroutines, then waits for all of them, again and again; ns for each. */
#include "bench.h"

enum { COROUTINES = 1000000 };

static long count;

static void work(void *arg)
{
	(void)arg;
	count++;
}

static void run(long n, long rounds)
{
	struct waitgroup wg = {0};

	for (long i = 0; i < rounds; i++) {
		for (long j = 0; j < n; j++)
			waitgroup_go(&wg, work, NULL);
		waitgroup_wait(&wg);
	}
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 1), rounds = COROUTINES / n, warm = rounds / 10;

	run(n, warm);

	uint64_t start = time_now();

	run(n, rounds);
	start = time_now() - start;
	must(count == n * (rounds + warm), "every coroutine ran");
	report((double)start / (double)(rounds * n), "ns", "spawn-%ld", n);
	return 0;
}
