/* For the benchmarks of preemption: work that is counted in units, not in time on a wall clock. */
#ifndef HOGS_H
#define HOGS_H

#include "bench.h"

enum { CALIBRATE = 100000, TRIES = 50 };

/* Takes as long as units say, when nobody interrupts. */
__attribute__((unused, noinline)) static uint64_t spin(long units)
{
	uint64_t x = 1;

	for (long i = 0; i < units; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

/* Units in a microsecond: what the fastest of some tries says, since the others were interrupted. */
__attribute__((unused)) static double spin_speed(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t start = time_now();

		spin(CALIBRATE);
		start = time_now() - start;
		best = start < best ? start : best;
	}
	return (double)CALIBRATE * 1000 / (double)best;
}

__attribute__((unused)) static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value that a share of all do not exceed; sorts them. */
__attribute__((unused)) static double percentile(double *values, long n, double share)
{
	long i = (long)((double)n * share);

	qsort(values, (size_t)n, sizeof *values, by_value);
	return values[i < n ? i : n - 1];
}

#endif
