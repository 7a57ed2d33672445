/* yield.c N: coroutines that step aside for each other, N of them with main; ns for each switch. */
#include <limits.h>

#include "bench.h"

enum { SWITCHES = 3000000 };

static long started, yields, limit;

/* Run queues may let some run more often than others: what counts is how often they all yielded. */
static void yield_until_limit(void)
{
	while (yields < limit) {
		go_yield();
		yields++;
	}
}

static void other(void *arg)
{
	(void)arg;
	started++;
	yield_until_limit();
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 2);
	struct waitgroup wg = {0};

	for (long i = 1; i < n; i++)
		must(waitgroup_go(&wg, other, NULL) == 0, "a coroutine starts");
	limit = LONG_MAX;
	while (started < n - 1 || yields < SWITCHES / 10) {
		go_yield();
		yields++;
	}
	limit = yields + SWITCHES;

	uint64_t start = time_now();

	yield_until_limit();
	start = time_now() - start;
	waitgroup_wait(&wg);
	must(yields >= limit && yields < limit + n, "the others stop there, too");
	report((double)start / SWITCHES, "ns", "yield-%ld", n);
	return 0;
}
