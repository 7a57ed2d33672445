#include "count.h"

static uint64_t send(struct chan *c, int n)
{
	uint64_t value = 0, start = time_now();

	for (int i = 0; i < n; i++)
		chan_send(c, &value);
	return time_now() - start;
}

static uint64_t receive(struct chan *c, int n)
{
	uint64_t value, start = time_now();

	for (int i = 0; i < n; i++)
		chan_recv(c, &value);
	return time_now() - start;
}

/* Into a buffer with room. */
uint64_t count_send(int n)
{
	struct chan *c = chan_of(uint64_t, (size_t)n);
	uint64_t ns = send(c, n);

	chan_free(c);
	return ns;
}

/* Out of a buffer with values. */
uint64_t count_receive(int n)
{
	struct chan *c = chan_of(uint64_t, (size_t)n);
	uint64_t ns;

	send(c, n);
	ns = receive(c, n);
	chan_free(c);
	return ns;
}

struct pair {
	struct chan *to, *from;
	int n;
};

static void answer(void *arg)
{
	struct pair *p = arg;
	uint64_t value;

	while (chan_recv(p->to, &value) == 0)
		chan_send(p->from, &value);
}

/* There and back between two coroutines, without buffers. */
uint64_t count_round_trip(int n)
{
	struct pair p = {chan_of(uint64_t, 0), chan_of(uint64_t, 0), n};
	struct waitgroup wg = {0};
	uint64_t value = 0, start;

	waitgroup_go(&wg, answer, &p);
	start = time_now();
	for (int i = 0; i < n; i++) {
		chan_send(p.to, &value);
		chan_recv(p.from, &value);
	}
	start = time_now() - start;
	chan_close(p.to);
	waitgroup_wait(&wg);
	chan_free(p.to);
	chan_free(p.from);
	return start;
}

static uint64_t select_of_two(struct chan *a, struct chan *b, int n)
{
	uint64_t value, start = time_now();

	for (int i = 0; i < n; i++) {
		struct select_case cases[] = {
			{.chan = a, .op = SELECT_RECV, .elem = &value},
			{.chan = b, .op = SELECT_RECV, .elem = &value},
		};

		chan_select(cases, 2);
	}
	return time_now() - start;
}

/* A receive from either of two channels, one of which has values. */
uint64_t count_select_ready(int n)
{
	struct chan *full = chan_of(uint64_t, (size_t)n), *empty = chan_of(uint64_t, 0);
	uint64_t ns;

	send(full, n);
	/* By their addresses, which select locks them by: not in an order of chance. */
	ns = empty < full ? select_of_two(empty, full, n) : select_of_two(full, empty, n);
	chan_free(full);
	chan_free(empty);
	return ns;
}

static void send_to_both(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < p->n; i++)
		send(i % 2 ? p->to : p->from, 1);
}

/* The same from two without buffers: it waits, and the other coroutine's send ends that. */
uint64_t count_select_blocking(int n)
{
	struct pair p = {chan_of(uint64_t, 0), chan_of(uint64_t, 0), n};
	struct waitgroup wg = {0};
	uint64_t ns;

	waitgroup_go(&wg, send_to_both, &p);
	ns = p.to < p.from ? select_of_two(p.to, p.from, n) : select_of_two(p.from, p.to, n);
	waitgroup_wait(&wg);
	chan_free(p.to);
	chan_free(p.from);
	return ns;
}
