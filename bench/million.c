/*
 * million.c N: N coroutines that wait at a channel, each in a worker function: the memory that one
 * takes all told, the time to make it and have it wait, and the time to wake it and have it end; and the
 * time to make it once more, when nobody has to supply memory for it.
 */
#include <unistd.h>

#include "bench.h"

static struct chan *work;
static atomic_long arrived, sum;

static void worker(void *arg)
{
	long value;

	(void)arg;
	atomic_fetch_add(&arrived, 1);
	if (chan_recv(work, &value) == 0)
		atomic_fetch_add(&sum, value);
}

/* In use, in bytes: what Linux has given the process, where there is one; else of the machine. What
 * counts is how much it grows. */
static double memory(void)
{
#ifdef __GLIBC__
	FILE *file = fopen("/proc/self/statm", "r");
	long all, resident;

	must(file && fscanf(file, "%ld %ld", &all, &resident) == 2, "/proc/self/statm");
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
#else
	struct runtime_stats stats;

	runtime_stats(&stats);
	return -(double)stats.free_bytes;
#endif
}

static uint64_t create(struct waitgroup *wg, long n)
{
	uint64_t start = time_now();

	arrived = 0;
	for (long i = 0; i < n; i++)
		must(waitgroup_go(wg, worker, NULL) == 0, "a coroutine starts");
	while (arrived < n)
		go_yield();
	return time_now() - start;
}

static uint64_t wake(struct waitgroup *wg, long n)
{
	uint64_t start = time_now();

	sum = 0;
	for (long i = 0; i < n; i++)
		chan_send(work, &i);
	waitgroup_wait(wg);
	must(sum == n * (n - 1) / 2, "everybody came back");
	return time_now() - start;
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 1000000);
	struct waitgroup wg = {0};

	work = chan_of(long, 0);
	must(work, "a channel");
	create(&wg, 100);
	wake(&wg, 100);

	double before = memory();
	uint64_t created = create(&wg, n);
	double bytes = memory() - before;
	uint64_t woken = wake(&wg, n);
	uint64_t again = create(&wg, n);

	wake(&wg, n);
	report(bytes / (double)n, "B", "memory");
	report((double)created / (double)n, "ns", "memory-create");
	report((double)woken / (double)n, "ns", "memory-wake");
	report((double)again / (double)n, "ns", "memory-again");
	return 0;
}
