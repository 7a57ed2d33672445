/*
 * The first N primes (ARGS=N, 100 if not given), by a chain of coroutines: the first sends 2, 3, 4,
 * ... into a channel; each of the others drops the multiples of one prime and passes on the rest.
 * What reaches the end of the chain is prime, and adds a filter there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

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

	while (chan_recv(f->in, &n) == 0) {
		if (n % f->prime != 0)
			chan_send(f->out, &n);
	}
}

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 100;
	struct filter f = {.in = chan_of(int, 0)};

	if (!f.in || go(count_up, f.in) < 0)
		return 1;
	for (int found = 1; found <= wanted; found++) {
		chan_recv(f.in, &f.prime);
		printf("%6d%c", f.prime, found % 10 == 0 || found == wanted ? '\n' : ' ');

		/* The filter gets a copy of f on its own stack, so that f can be the next one. */
		f.out = chan_of(int, 0);
		if (!f.out || go_copy(filter, &f, sizeof f) < 0) {
			fprintf(stderr, "sieve: no memory after %d primes\n", found);
			return 1;
		}
		f.in = f.out;
	}
	return 0; /* powers off; the chain need not be taken down */
}
