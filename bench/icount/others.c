#include "count.h"

/* Locked and unlocked, nobody else wants it. */
uint64_t count_lock(int n)
{
	struct mutex m = {0};
	uint64_t start = time_now();

	for (int i = 0; i < n; i++) {
		mutex_lock(&m);
		mutex_unlock(&m);
	}
	return time_now() - start;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Started and stopped before it fires, as for a deadline that is met. */
uint64_t count_timer(int n)
{
	struct timer t = {0};
	uint64_t start = time_now(), deadline = start + 10 * NSEC_PER_SEC;

	for (int i = 0; i < n; i++) {
		timer_start(&t, deadline, 0, nothing, NULL);
		timer_stop(&t);
	}
	return time_now() - start;
}

/* ---- Interrupted ---- */

#define INTERVAL (20 * NSEC_PER_USEC)

/* Computes for about n intervals: always the same number of instructions. */
static uint64_t compute(int n)
{
	uint64_t start = time_now();

	for (uint64_t i = (uint64_t)n * INTERVAL / 4; i; i--)
		__asm__ volatile("");
	return time_now() - start;
}

static void compute_too(void *arg)
{
	compute(*(int *)arg);
}

/* Two compute, and the end of each slice takes one off the core and puts the other on. */
uint64_t count_preemption(int n)
{
	uint64_t quantum = runtime_set_quantum(INTERVAL), alone = compute(n), start = time_now();
	struct runtime_stats before, after;
	struct waitgroup wg = {0};

	runtime_stats(&before);
	waitgroup_go(&wg, compute_too, &n);
	compute(n);
	waitgroup_wait(&wg);
	runtime_stats(&after);
	runtime_set_quantum(quantum);
	return (time_now() - start - 2 * alone) * (uint64_t)n /
	       (after.preemptions - before.preemptions);
}

/* One computes; a ticker's interrupt finds the last tick not taken, and lets it go on. */
uint64_t count_interrupt(int n)
{
	uint64_t alone = compute(n), elapsed;
	struct ticker ticker;

	ticker_start(&ticker, INTERVAL);
	elapsed = compute(n);
	ticker_stop(&ticker);
	return (elapsed - alone) * (uint64_t)n / (elapsed / INTERVAL);
}
