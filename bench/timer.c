/* timer.c N: a timer that is started and stopped while N others are pending; ns for both. */
#include "bench.h"

enum { STARTS = 2000000 };

static void never(void *arg)
{
	(void)arg;
	must(false, "no timer fires");
}

static void run(uint64_t deadline, long n)
{
	static struct timer timer;

	for (long i = 0; i < n; i++) {
		timer_start(&timer, deadline + (uint64_t)i * NSEC_PER_USEC, 0, never, NULL);
		must(timer_stop(&timer), "it was pending");
	}
}

int main(int argc, char **argv)
{
	long pending = number(argc, argv, 1, 1);
	uint64_t hour = time_now() + 3600 * NSEC_PER_SEC;
	struct timer *others = calloc((size_t)pending, sizeof *others);

	must(others, "memory");
	for (long i = 0; i < pending; i++)
		timer_start(&others[i], hour + (uint64_t)i * NSEC_PER_MSEC, 0, never, NULL);
	run(hour, STARTS / 10);

	uint64_t start = time_now();

	run(hour, STARTS);
	start = time_now() - start;
	for (long i = 0; i < pending; i++)
		must(timer_stop(&others[i]), "the others are pending");
	report((double)start / STARTS, "ns", "timer-%ld", pending);
	return 0;
}
