/*
 * channel.c MODE: values through channels between two coroutines, or within one.
 *	roundtrip  there and back, each over a channel without a buffer; ns for both
 *	stream     one way without a buffer; ns for each value
 *	buffered   one way, a buffer of 128
 *	self       sent and received by the same coroutine; ns for both
 */
#include <string.h>

#include "bench.h"

struct pair {
	struct chan *there, *back;
	long n; /* how many values to send there */
};

static void echo(void *arg)
{
	struct pair *p = arg;
	long value;

	while (chan_recv(p->there, &value) == 0)
		chan_send(p->back, &value);
	chan_close(p->back);
}

static void roundtrip(struct pair *p, long n)
{
	long value, sum = 0;

	for (long i = 0; i < n; i++) {
		chan_send(p->there, &i);
		chan_recv(p->back, &value);
		sum += value;
	}
	must(sum == n * (n - 1) / 2, "what comes back");
}

static void produce(void *arg)
{
	struct pair *p = arg;

	for (long i = 0; i < p->n; i++)
		chan_send(p->there, &i);
}

static void stream(struct pair *p, long n)
{
	struct pair source = {p->there, NULL, n};
	long value, sum = 0;

	must(go_copy(produce, &source, sizeof source) == 0, "a coroutine starts");
	for (long i = 0; i < n; i++) {
		chan_recv(p->there, &value);
		sum += value;
	}
	must(sum == n * (n - 1) / 2, "what arrives");
}

static void self(struct pair *p, long n)
{
	long value, sum = 0;

	for (long i = 0; i < n; i++) {
		chan_send(p->there, &i);
		chan_recv(p->there, &value);
		sum += value;
	}
	must(sum == n * (n - 1) / 2, "what was sent");
}

static const struct mode {
	const char *name;
	void (*run)(struct pair *p, long n);
	size_t capacity;
	long n;
} modes[] = {
	{"roundtrip", roundtrip, 0, 1000000},
	{"stream", stream, 0, 1000000},
	{"buffered", stream, 128, 5000000},
	{"self", self, 128, 5000000},
};

int main(int argc, char **argv)
{
	const struct mode *m = modes, *end = modes + sizeof modes / sizeof *modes;

	while (m < end && argc > 1 && strcmp(m->name, argv[1]))
		m++;
	must(m < end, "the mode is known");

	struct pair p = {chan_of(long, m->capacity), chan_of(long, 0), m->n};

	must(p.there && p.back, "channels");
	if (m->run == roundtrip)
		must(go(echo, &p) == 0, "a coroutine starts");
	m->run(&p, m->n / 10);

	uint64_t start = time_now();

	m->run(&p, m->n);
	start = time_now() - start;
	report((double)start / (double)m->n, "ns", "channel-%s", m->name);
	return 0;
}
