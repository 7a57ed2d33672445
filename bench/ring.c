/* ring.c N: a token goes round N coroutines, from channel to channel; ns for each hop. */
#include "bench.h"

enum { HOPS = 2000000 };

struct link {
	struct chan *in, *out;
};

static void hand_on(void *arg)
{
	struct link *l = arg;
	long token;

	while (chan_recv(l->in, &token) == 0) {
		token++;
		chan_send(l->out, &token);
	}
}

static void go_round(struct chan *first, struct chan *last, long rounds, long n)
{
	long token = 0;

	for (long i = 0; i < rounds; i++) {
		chan_send(first, &token);
		chan_recv(last, &token);
	}
	must(token == rounds * n, "everybody had the token");
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 1000), rounds = HOPS / n;
	struct link l = {.in = chan_of(long, 0)};
	struct chan *first = l.in;

	for (long i = 0; i < n; i++) {
		l.out = chan_of(long, 0);
		must(l.out && go_copy(hand_on, &l, sizeof l) == 0, "a coroutine starts");
		l.in = l.out;
	}
	go_round(first, l.in, rounds / 10 + 1, n);

	uint64_t start = time_now();

	go_round(first, l.in, rounds, n);
	start = time_now() - start;
	report((double)start / (double)(rounds * n), "ns", "ring-%ld", n);
	return 0;
}
