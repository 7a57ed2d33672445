/*
 * select.c MODE: receiving from whichever channel has something; ns for each value.
 *	ready    of two channels with buffers one has a value, which this coroutine has sent
 *	2, 4, 8  of that many without buffers, to which another coroutine sends in turn
 */
#include <string.h>

#include "bench.h"

enum { VALUES = 1000000, MOST = 8 };

static struct chan *channels[MOST];
static long value;

static long sum_ready(struct select_case *cases, long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++) {
		chan_send(channels[i % 2], &i);
		chan_select(cases, 2);
		sum += value;
	}
	return sum;
}

struct source {
	long among, n;
};

static void produce(void *arg)
{
	struct source *s = arg;

	for (long i = 0; i < s->n; i++)
		chan_send(channels[i % s->among], &i);
}

static long sum_blocking(struct select_case *cases, long among, long n)
{
	struct source s = {among, n};
	long sum = 0;

	must(go_copy(produce, &s, sizeof s) == 0, "a coroutine starts");
	for (long i = 0; i < n; i++) {
		chan_select(cases, (int)among);
		sum += value;
	}
	return sum;
}

static void run(struct select_case *cases, long among, bool ready, long n)
{
	long sum = ready ? sum_ready(cases, n) : sum_blocking(cases, among, n);

	must(sum == n * (n - 1) / 2, "every value arrives");
}

int main(int argc, char **argv)
{
	bool ready = argc < 2 || !strcmp(argv[1], "ready");
	long among = ready ? 2 : number(argc, argv, 1, 2);
	struct select_case cases[MOST];

	must(among <= MOST, "at most 8 channels");
	for (long i = 0; i < among; i++) {
		channels[i] = chan_of(long, ready);
		must(channels[i], "a channel");
		cases[i] = (struct select_case){channels[i], SELECT_RECV, &value, 0};
	}
	run(cases, among, ready, VALUES / 10);

	uint64_t start = time_now();

	run(cases, among, ready, VALUES);
	start = time_now() - start;
	report((double)start / VALUES, "ns", "select-%s", ready ? "ready" : argv[1]);
	return 0;
}
