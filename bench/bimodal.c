/*
 * bimodal.c QUANTUM N: N requests, a coroutine each, most of 1 us and some of 1 ms, arrive at one
 * core whether it keeps up or not, and load it to 70 %; the time slice is QUANTUM us. What is
 * measured is how many times longer than its work a request took: what 99.9 % do not exceed.
 */
#include <math.h>

#include "hogs.h"

#define LONG_SHARE 0.005
#define SHORT_NS   1e3
#define LONG_NS    1e6
#define LOAD       0.7
#define GAP_NS     ((SHORT_NS * (1 - LONG_SHARE) + LONG_NS * LONG_SHARE) / LOAD)

struct request {
	double arrival, service; /* ns; the first from the start */
	double done;
};

static uint64_t start;
static double speed;

/* Evenly between 0 and 1, neither of them. */
static double chance(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return ((double)(state >> 33) + 0.5) / 0x1p31;
}

static void serve(void *arg)
{
	struct request *r = arg;

	spin((long)(r->service / 1e3 * speed));
	r->done = (double)(time_now() - start);
}

static struct request *plan(long n)
{
	struct request *requests = calloc((size_t)n, sizeof *requests);
	double at = 0;

	must(requests, "memory");
	for (long i = 0; i < n; i++) {
		at -= log(chance()) * GAP_NS;
		requests[i].arrival = at;
		requests[i].service = chance() < LONG_SHARE ? LONG_NS : SHORT_NS;
	}
	return requests;
}

/* The core looks whether requests have come whenever this has its turn, as it would at a network
 * card. */
static void arrive(struct request *requests, long n)
{
	struct waitgroup wg = {0};

	start = time_now();
	for (long i = 0; i < n; i++) {
		while ((double)(time_now() - start) < requests[i].arrival)
			go_yield();
		must(waitgroup_go(&wg, serve, &requests[i]) == 0, "a coroutine starts");
	}
	waitgroup_wait(&wg);
}

int main(int argc, char **argv)
{
	long quantum = number(argc, argv, 1, 100), n = number(argc, argv, 2, 200000);
	struct request *requests = plan(n);
	double *slowdowns = calloc((size_t)n, sizeof *slowdowns);

	must(slowdowns, "memory");
	runtime_set_quantum((uint64_t)quantum * NSEC_PER_USEC);
	speed = spin_speed();
	arrive(requests, n / 20);
	arrive(requests, n);
	for (long i = 0; i < n; i++) {
		slowdowns[i] = (requests[i].done - requests[i].arrival) / requests[i].service;
		must(slowdowns[i] > 0, "all are served");
	}
	report(percentile(slowdowns, n, 0.999), "x", "bimodal");
	report(percentile(slowdowns, n, 0.5), "x", "bimodal-p50");
	return 0;
}
