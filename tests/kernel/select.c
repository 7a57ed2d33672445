/* Select, one rule at a time: what is ready, what is not, the choice, waiting, many cases. */
#include "test.h"

enum { UNTOUCHED = 77 };

static struct waitgroup all;
static struct chan *a, *b;

static struct select_case receive_case(struct chan *c, int *elem)
{
	return (struct select_case){c, SELECT_RECV, elem, UNTOUCHED};
}

static struct select_case send_case(struct chan *c, int *elem)
{
	return (struct select_case){c, SELECT_SEND, elem, UNTOUCHED};
}

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

static void test_errors(void)
{
	int x = 5;
	struct select_case k[1] = {receive_case(NULL, &x)};

	expect_eq(chan_select(k, -1), -EINVAL);
	expect_eq(chan_try_select(k, -1), -EINVAL);
	expect_eq(chan_select_until(k, -1, 0), -EINVAL);
	expect_eq(chan_try_select(k, 0), -EAGAIN);
	expect_eq(chan_try_select(NULL, 0), -EAGAIN);
	expect_eq(chan_select_until(NULL, 0, 0), -ETIMEDOUT);
	expect_eq(chan_select_until(NULL, 0, time_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	expect_eq(k[0].status, UNTOUCHED);
	verdict("bad arguments, and no cases at all");
}

/* ---- What can happen at once ---- */

static void test_ready(void)
{
	int x = 5, y = 6, z = -1;

	a = chan_of(int, 1);
	b = chan_of(int, 0);
	struct select_case k[2] = {receive_case(b, &y), send_case(a, &x)};
	expect_eq(chan_select(k, 2), 1);
	expect_eq(k[1].status, 0);
	expect_eq(k[0].status, UNTOUCHED);
	expect_eq(y, 6);
	expect_eq(chan_len(a), 1);
	k[0] = receive_case(a, &y);
	k[1] = receive_case(b, &z);
	expect_eq(chan_select_until(k, 2, 0), 0);
	expect_eq(y, 5);
	expect_eq(k[0].status, 0);
	expect_eq(k[1].status, UNTOUCHED);
	expect_eq(z, -1);
	expect_eq(chan_send(a, &x), 0);
	k[0].elem = NULL;
	expect_eq(chan_try_select(k, 1), 0);
	expect_eq(chan_len(a), 0);
	verdict("a ready send and a ready receive happen; the rest is left alone");

	x = 9;
	chan_send(a, &x);
	chan_close(a);
	k[0] = receive_case(a, &y);
	expect_eq(chan_select(k, 1), 0);
	expect_eq(k[0].status, 0);
	expect_eq(y, 9);
	expect_eq(chan_select(k, 1), 0);
	expect_eq(k[0].status, -EPIPE);
	expect_eq(y, 0);
	k[0] = send_case(a, &x);
	expect_eq(chan_try_select(k, 1), 0);
	expect_eq(k[0].status, -EPIPE);
	expect_eq(x, 9);
	verdict("closed channels are ready: -EPIPE, for a receive when drained");
	chan_free(a);

	a = chan_make(0, 1);
	k[0] = (struct select_case){a, SELECT_SEND, NULL, UNTOUCHED};
	expect_eq(chan_select(k, 1), 0);
	expect_eq(chan_try_select(k, 1), -EAGAIN);
	k[0].op = SELECT_RECV;
	expect_eq(chan_select(k, 1), 0);
	expect_eq(chan_len(a), 0);
	chan_free(a);
	chan_free(b);
	verdict("elements of size 0");
}

static void test_none(void)
{
	int x = 5, y = 6, one = 1;
	uint64_t deadline;

	a = chan_of(int, 0);
	b = chan_of(int, 1);
	struct chan *closed = chan_of(int, 0);
	chan_close(closed);
	chan_send(b, &one);
	struct select_case k[5] = {
		receive_case(a, &x),
		send_case(a, &y),
		send_case(b, &y),
		receive_case(NULL, &x),
		{closed, SELECT_NONE, &x, UNTOUCHED},
	};
	for (int round = 0; round < 4; round++) {
		deadline = time_now() + 2 * NSEC_PER_MSEC;
		if (round == 0)
			expect_eq(chan_try_select(k, 5), -EAGAIN);
		else if (round == 1)
			expect_eq(chan_select_until(k, 5, 0), -ETIMEDOUT);
		else if (round == 2)
			expect_eq(chan_select_until(k, 5, time_now()), -ETIMEDOUT);
		else
			expect_eq(chan_select_until(k, 5, deadline), -ETIMEDOUT);
		expect(round < 3 || time_now() >= deadline);
		for (int i = 0; i < 5; i++)
			expect_eq(k[i].status, UNTOUCHED);
		expect_eq(x, 5);
		expect_eq(y, 6);
	}
	/* Nothing of it is left in a queue. */
	expect_eq(chan_try_send(a, &one), -EAGAIN);
	expect_eq(chan_try_recv(a, &x), -EAGAIN);
	expect_eq(chan_recv(b, &x), 0);
	expect_eq(chan_len(b), 0);
	chan_free(a);
	chan_free(b);
	chan_free(closed);
	verdict("when none happens no elem and no status changes, and no queue");
}

/* ---- Waiting ---- */

static struct select_case waiting[20];
static int waiting_n, happened;

static void wait_in_select(void *arg)
{
	happened = arg ? chan_select_until(waiting, waiting_n, TIME_NEVER)
		       : chan_select(waiting, waiting_n);
	waitgroup_done(&all);
}

static void start_waiting(int n)
{
	waiting_n = n;
	happened = -1;
	waitgroup_add(&all, 1);
	go(wait_in_select, n & 1 ? &all : NULL);
	until_parked(1);
}

static void test_waiting(void)
{
	static int x, y, value;

	for (int round = 0; round < 6; round++) {
		a = chan_of(int, 0);
		b = chan_of(int, 0);
		x = -1;
		y = 50;
		value = 40;
		waiting[0] = receive_case(a, &x);
		waiting[1] = send_case(b, &y);
		waiting[2] = receive_case(NULL, &x);
		start_waiting(round & 1 ? 3 : 2);
		if (round < 2) {
			expect_eq(chan_try_send(a, &value), 0);
			/* The select is decided, though it may not have run yet. */
			expect_eq(chan_try_recv(b, &value), -EAGAIN);
			expect_eq(chan_try_send(a, &value), -EAGAIN);
		} else if (round == 2) {
			expect_eq(chan_try_recv(b, &value), 0);
			expect_eq(value, 50);
			expect_eq(chan_try_send(a, &value), -EAGAIN);
		} else {
			chan_close(round == 3 ? b : a);
		}
		waitgroup_wait(&all);
		int want = round < 2 || round > 3 ? 0 : 1;
		expect_eq(happened, want);
		expect_eq(waiting[want].status, round < 3 ? 0 : -EPIPE);
		expect_eq(waiting[!want].status, UNTOUCHED);
		expect_eq(x, round < 2 ? 40 : round > 3 ? 0 : -1);
		expect_eq(y, 50);
		expect_eq(chan_try_send(round == 3 ? a : b, &value), -EAGAIN);
		chan_free(a);
		chan_free(b);
	}
	verdict("a select that waits is ended by a sender, a receiver and a close");
}

/* Waiters are served in their order, whether they are in a select or not. */
static _Atomic int order[4], order_n;

static void receive_either(void *arg)
{
	int value, who = (int)(intptr_t)arg;
	struct select_case k[2] = {receive_case(a, &value), receive_case(b, &value)};

	if (who & 1)
		expect_eq(chan_select(k, 2), 0);
	else
		expect_eq(chan_recv(a, &value), 0);
	order[value] = who;
	order_n++;
	waitgroup_done(&all);
}

static void test_fifo(void)
{
	a = chan_of(int, 0);
	b = chan_of(int, 0);
	waitgroup_add(&all, 4);
	for (intptr_t i = 0; i < 4; i++) {
		go(receive_either, (void *)i);
		until_parked((size_t)i + 1);
	}
	for (int i = 0; i < 4; i++)
		expect_eq(chan_try_send(a, &i), 0);
	waitgroup_wait(&all);
	for (int i = 0; i < 4; i++)
		expect_eq(order[i], i);
	chan_free(a);
	chan_free(b);
	verdict("a select waits in the same order as a receive");
}

/* ---- The same channel in several cases ---- */

static void select_itself(void *arg)
{
	int mine = (int)(intptr_t)arg, got, sent = 0, received = 0;

	for (int i = 0; i < amount(300); i++) {
		struct select_case k[2] = {send_case(a, &mine), receive_case(a, &got)};
		got = -1;
		switch (chan_select(k, 2)) {
		case 0:
			sent++;
			expect_eq(k[0].status, 0);
			break;
		case 1:
			received++;
			expect_eq(k[1].status, 0);
			expect(chan_cap(a) || got == !mine); /* never its own */
			break;
		default:
			expect(!"an index");
		}
	}
	*(_Atomic int *)(mine ? &order[0] : &order[1]) += sent - received;
	waitgroup_done(&all);
}

static void test_same_channel(void)
{
	int x = 1, y = 2;

	a = chan_of(int, 0);
	struct select_case k[3] = {send_case(a, &x), receive_case(a, &y), receive_case(a, &y)};
	expect_eq(chan_try_select(k, 3), -EAGAIN);
	expect_eq(chan_select_until(k, 3, time_now() + 100 * NSEC_PER_USEC), -ETIMEDOUT);
	expect_eq(y, 2);
	chan_free(a);
	verdict("a select does not serve itself");

	for (int cap = 0; cap < 2; cap++) {
		a = chan_of(int, (size_t)cap);
		order[0] = order[1] = 0;
		waitgroup_add(&all, 2);
		/* Two, of which each meets the other; with a buffer each may meet itself. */
		go(select_itself, (void *)0);
		go(select_itself, (void *)1);
		waitgroup_wait(&all);
		expect_eq(order[0] + order[1], chan_len(a));
		chan_free(a);
	}
	verdict("selects that send and receive on the same channel meet each other");
}

/* ---- The choice ---- */

/* Ten standard deviations off does not happen by chance. */
static void expect_uniform(const int *count, int n, int total)
{
	double mean = (double)total / n, variance = mean * (1.0 - 1.0 / n);

	for (int i = 0; i < n; i++) {
		double off = count[i] - mean;
		if (off * off > 100 * variance)
			test_unexpected("about as often as the others", i, count[i]);
	}
}

static void test_choice(void)
{
	static const int sizes[] = {2, 3, 10, 16, 100};
	int x = 0;

	a = chan_of(int, 0);
	b = chan_of(int, 0);
	chan_close(b);
	for (int s = 0; s < 5; s++) {
		int n = sizes[s], count[100] = {0}, odd[100] = {0};
		struct select_case k[200];
		for (int i = 0; i < n; i++) { /* every second one is not ready */
			k[2 * i] = i & 1 ? receive_case(b, &x) : send_case(b, &x);
			k[2 * i + 1] = receive_case(a, &x);
		}
		for (int i = 0; i < 3000; i++) {
			int chosen = i & 1 ? chan_try_select(k, 2 * n) : chan_select(k, 2 * n);
			expect(chosen >= 0 && chosen < 2 * n && !(chosen & 1));
			count[chosen / 2 % 100]++;
			odd[(chosen & 2) / 2]++;
		}
		expect_uniform(count, n, 3000);
	}
	chan_free(a);
	chan_free(b);
	verdict("each ready case is chosen as often as the others");

	int full[4] = {0};
	struct chan *c[4];
	struct select_case k[4];
	for (int i = 0; i < 4; i++) {
		c[i] = chan_of(int, 1);
		chan_send(c[i], &x);
		k[i] = receive_case(c[i], &x);
	}
	for (int i = 0; i < 4000; i++) {
		int chosen = chan_select(k, 4);
		full[chosen & 3]++;
		chan_send(c[chosen & 3], &x);
	}
	expect_uniform(full, 4, 4000);
	for (int i = 0; i < 4; i++)
		chan_free(c[i]);
	verdict("the same between channels with values");
}

/* Go's TestPseudoRandomSend, in its idea: both values come out. */
static void send_zero_or_one(void *arg)
{
	int zero = 0, one = 1;
	struct select_case k[2] = {send_case(a, &zero), send_case(a, &one)};

	for (int i = 0; i < (int)(intptr_t)arg; i++)
		expect(chan_select(k, 2) >= 0);
	waitgroup_done(&all);
}

static void test_random_send(void)
{
	for (int cap = 0; cap < 3; cap++) {
		int value, ones = 0;
		a = chan_of(int, (size_t)cap);
		waitgroup_add(&all, 1);
		go(send_zero_or_one, (void *)500);
		for (int i = 0; i < 500; i++) {
			go_yield();
			expect_eq(chan_recv(a, &value), 0);
			ones += value;
		}
		waitgroup_wait(&all);
		expect(ones > 500 / 2 - 112 && ones < 500 / 2 + 112);
		chan_free(a);
	}
	verdict("two sends on one channel: both values come out");
}

int main(int argc, char **argv)
{
	size_t before;

	test_begin(argc, argv, 13);
	before = heap_bytes();
	test_errors();
	test_ready();
	test_none();
	test_waiting();
	test_fifo();
	test_same_channel();
	test_choice();
	test_random_send();
	until_alone();
	check(heap_bytes() == before, "nothing stays allocated");
	return test_end();
}
