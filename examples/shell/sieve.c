/*
 * sieve: a chain of filters, one for each prime, fed with 2, 3, 4, ... The end of the chain is
 * taken down by closing its last channel: whoever can no longer send closes what it receives from.
 */
#include <stdlib.h>

#include "shell.h"

struct chain {
	struct waitgroup running;
	_Atomic uint64_t passed; /* values sent from one to the next */
};

struct filter {
	struct chain *chain;
	struct chan *in, *out;
	uint32_t prime;
};

static void count_up(void *arg)
{
	struct filter *first = arg;
	uint32_t n = 2;

	while (chan_send(first->out, &n) == 0)
		n++;
	atomic_fetch_add(&first->chain->passed, n - 2);
	waitgroup_done(&first->chain->running);
}

static void filter(void *arg)
{
	struct filter *f = arg;
	uint64_t passed = 0;
	uint32_t n;

	while (chan_recv(f->in, &n) == 0) {
		if (n % f->prime == 0)
			continue;
		if (chan_send(f->out, &n) < 0)
			chan_close(f->in);
		else
			passed++;
	}
	atomic_fetch_add(&f->chain->passed, passed);
	waitgroup_done(&f->chain->running);
}

/* Starts one more, from the end of the chain so far. False: out of memory. */
static bool extend(struct filter *f, go_fn *fn)
{
	f->out = chan_of(uint32_t, 0);
	if (!f->out)
		return false;
	waitgroup_add(&f->chain->running, 1);
	if (go_copy(fn, f, sizeof *f) == 0)
		return true;
	waitgroup_done(&f->chain->running);
	chan_free(f->out);
	f->out = NULL;
	return false;
}

void sieve(int argc, char **argv)
{
	struct chain chain = {0};
	struct filter f = {.chain = &chain};
	struct chan **channels;
	uint64_t wanted = 300, found = 0, start = time_now();

	if (!take_number(argc, argv, 1, 10000, &wanted))
		return;
	channels = calloc(wanted, sizeof *channels);
	while (channels && found < wanted && extend(&f, found ? filter : count_up)) {
		channels[found++] = f.in = f.out;
		chan_recv(f.in, &f.prime);
	}
	if (found) {
		chan_close(f.in);
		waitgroup_wait(&chain.running);
	}
	start = time_now() - start;
	for (uint64_t i = 0; i < found; i++)
		chan_free(channels[i]);
	free(channels);
	if (found < wanted)
		printf("%s: out of memory\n", argv[0]);
	if (found) {
		printf("Prime number %" PRIu64 " is %" PRIu32 ".\n", found, f.prime);
		printf("%s numbers passed on in %s, %s each.\n", show_number(chain.passed).s,
		       show_time(start).s, show_time(start / chain.passed).s);
	}
}
