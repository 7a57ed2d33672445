/*
 * lateness.c QUANTUM N: how much too late a coroutine wakes up from 1 ms of sleep, N times, while
 * two others on its core compute and never stop; the time slice is QUANTUM us.
 */
#include "hogs.h"

enum { HOGS = 2 };

static atomic_bool stop;

static void hog(void *arg)
{
	(void)arg;
	while (!stop)
		spin(1000);
}

int main(int argc, char **argv)
{
	long quantum = number(argc, argv, 1, 100), n = number(argc, argv, 2, 300);
	double *late = calloc((size_t)n, sizeof *late);
	struct waitgroup wg = {0};

	must(late, "memory");
	runtime_set_quantum((uint64_t)quantum * NSEC_PER_USEC);
	for (int i = 0; i < HOGS; i++)
		must(waitgroup_go(&wg, hog, NULL) == 0, "a coroutine starts");
	for (long i = -n / 10; i < n; i++) {
		uint64_t deadline = time_now() + NSEC_PER_MSEC;

		time_sleep_until(deadline);

		uint64_t now = time_now();

		must(now >= deadline, "none wakes up early");
		if (i >= 0)
			late[i] = (double)(now - deadline) / 1e3;
	}
	stop = true;
	waitgroup_wait(&wg);
	report(percentile(late, n, 0.99), "us", "lateness");
	report(percentile(late, n, 0.5), "us", "lateness-p50");
	report(percentile(late, n, 1), "us", "lateness-max");
	return 0;
}
