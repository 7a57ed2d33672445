/* sieve.c N: the first N primes by a chain of filters, a coroutine each; ms for all. */
#include "bench.h"

struct filter {
	struct chan *in, *out;
	int prime;
};

static void count_up(void *arg)
{
	struct chan *out = arg;

	for (int n = 2;; n++)
		chan_send(out, &n);
}

static void filter(void *arg)
{
	struct filter *f = arg;
	int n;

	for (;;) {
		chan_recv(f->in, &n);
		if (n % f->prime)
			chan_send(f->out, &n);
	}
}

/* The nth prime. What has computed it is left to wait. */
static int sieve(long n)
{
	struct filter f = {.in = chan_of(int, 0)};

	must(f.in && go(count_up, f.in) == 0, "a coroutine starts");
	for (long i = 0; i < n; i++) {
		chan_recv(f.in, &f.prime);
		f.out = chan_of(int, 0);
		must(f.out && go_copy(filter, &f, sizeof f) == 0, "a coroutine starts");
		f.in = f.out;
	}
	return f.prime;
}

int main(int argc, char **argv)
{
	long n = number(argc, argv, 1, 2000);

	must(sieve(200) == 1223, "prime number 200");

	uint64_t start = time_now();
	int prime = sieve(n);

	start = time_now() - start;
	must(n != 2000 || prime == 17389, "prime number 2,000");
	report((double)start / 1e6, "ms", "sieve");
	return 0;
}
