/* Channels, one call at a time: order, hand-over, closing, deadlines, sizes. */
#include "test.h"

static struct waitgroup all;
static struct chan *shared;
static _Atomic int step;
static _Atomic unsigned woken;

static void test_errors(void)
{
	int value = 5;

	errno = 0;
	expect(chan_make(SIZE_MAX, 2) == NULL && errno == EINVAL);
	errno = 0;
	expect(chan_make(8, SIZE_MAX / 4) == NULL && errno == EINVAL);
	errno = 0;
	expect(chan_make(64 * 1024 + 1, 0) == NULL && errno == EINVAL);
	errno = 0;
	expect(chan_make(64 * 1024, 1024 * 1024) == NULL && (errno == ENOMEM || errno == EINVAL));
	expect_eq(chan_close(NULL), -EINVAL);
	expect_eq(chan_len(NULL), 0);
	expect_eq(chan_cap(NULL), 0);
	chan_free(NULL);
	expect_eq(chan_send(NULL, &value), -EINVAL);
	expect_eq(chan_recv(NULL, &value), -EINVAL);
	expect_eq(chan_try_send(NULL, &value), -EINVAL);
	expect_eq(chan_try_recv(NULL, &value), -EINVAL);
	expect_eq(chan_send_until(NULL, &value, 0), -EINVAL);
	expect_eq(chan_recv_until(NULL, &value, 0), -EINVAL);
	expect_eq(value, 5);
	verdict("bad arguments give -EINVAL, NULL with errno");
}

/* ---- Buffered, no waiting ---- */

static void test_buffer(void)
{
	static const int capacities[] = {1, 2, 3, 64, 1000};

	for (int k = 0; k < 5; k++) {
		int cap = capacities[k], value, next_in = 0, next_out = 0;
		struct chan *c = chan_of(int, cap);

		expect_eq(chan_cap(c), cap);
		for (int round = 0; round < 3; round++) {
			while (chan_try_send(c, &next_in) == 0)
				next_in++;
			expect_eq(chan_try_send(c, &next_in), -EAGAIN);
			expect_eq(chan_len(c), cap);
			for (int i = 0; i < (cap + 1) / 2 || (round == 2 && next_out < next_in);
			     i++) {
				expect_eq(chan_recv(c, &value), 0);
				expect_eq(value, next_out++);
			}
			expect_eq(chan_len(c), next_in - next_out);
		}
		expect_eq(chan_try_recv(c, &value), -EAGAIN);
		expect_eq(next_in, next_out);
		chan_free(c);
	}
	verdict("a buffer keeps the order and says when it is full or empty");
}

static void test_sizes(void)
{
	static unsigned char in[64 * 1024], out[64 * 1024];
	static const size_t sizes[] = {1, 3, 8, 24, 100, 4096, 64 * 1024};
	struct chan *c = chan_make(0, 2);

	expect(c != NULL);
	expect_eq(chan_send(c, (void *)NULL), 0);
	expect_eq(chan_send(c, (void *)NULL), 0);
	expect_eq(chan_try_send(c, (void *)NULL), -EAGAIN);
	expect_eq(chan_len(c), 2);
	expect_eq(chan_recv(c, (void *)NULL), 0);
	expect_eq(chan_recv(c, (void *)NULL), 0);
	expect_eq(chan_try_recv(c, (void *)NULL), -EAGAIN);
	chan_free(c);
	verdict("elements of size 0 are counted");

	for (int k = 0; k < 7; k++) {
		c = chan_make(sizes[k], 3);
		for (int n = 0; n < 6; n++) {
			memset(in, 0x10 + n, sizes[k]);
			in[sizes[k] - 1] = (unsigned char)k;
			expect_eq(chan_send(c, (void *)in), 0);
			memset(out, 0, sizeof out);
			expect_eq(chan_recv(c, (void *)out), 0);
			expect(memcmp(in, out, sizes[k]) == 0);
			expect(sizes[k] == sizeof out || out[sizes[k]] == 0);
		}
		chan_free(c);
	}
	verdict("elements of 1 byte to 64 KB arrive whole");

	int value = 7;
	c = chan_of(int, 1);
	expect_eq(chan_send(c, (void *)NULL), -EINVAL);
	expect_eq(chan_len(c), 0);
	expect_eq(chan_send(c, &value), 0);
	expect_eq(chan_recv(c, (void *)NULL), 0);
	expect_eq(chan_len(c), 0);
	chan_free(c);
	verdict("a receive may drop its value, a send must have one");
}

/* ---- Hand-over between waiters ---- */

static void receive_in_turn(void *arg)
{
	int value = -1;

	expect_eq(chan_recv(shared, &value), 0);
	expect_eq(value, 100 + (intptr_t)arg);
	waitgroup_done(&all);
}

static void send_in_turn(void *arg)
{
	int value = (int)(intptr_t)arg;

	expect_eq(chan_send(shared, &value), 0);
	waitgroup_done(&all);
}

static void test_fifo(void)
{
	int value;

	shared = chan_of(int, 0);
	waitgroup_add(&all, 20);
	for (intptr_t i = 0; i < 20; i++) {
		go(receive_in_turn, (void *)i);
		until_parked(i + 1);
	}
	for (int i = 0; i < 20; i++) {
		value = 100 + i;
		expect_eq(chan_try_send(shared, &value), 0);
	}
	expect_eq(chan_try_send(shared, &value), -EAGAIN);
	waitgroup_wait(&all);
	verdict("receivers are served in the order in which they came");

	waitgroup_add(&all, 20);
	for (intptr_t i = 0; i < 20; i++) {
		go(send_in_turn, (void *)i);
		until_parked(i + 1);
	}
	for (int i = 0; i < 20; i++) {
		expect_eq(chan_try_recv(shared, &value), 0);
		expect_eq(value, i);
	}
	expect_eq(chan_try_recv(shared, &value), -EAGAIN);
	waitgroup_wait(&all);
	chan_free(shared);
	verdict("senders are served in the order in which they came");

	shared = chan_of(int, 3);
	waitgroup_add(&all, 20);
	for (intptr_t i = 0; i < 20; i++) {
		go(send_in_turn, (void *)i);
		if (i < 3)
			until_alone();
		else
			until_parked(i - 2);
	}
	for (int i = 0; i < 20; i++) {
		expect_eq(chan_recv(shared, &value), 0);
		expect_eq(value, i);
		if (i < 17)
			expect_eq(chan_len(shared), 3);
	}
	waitgroup_wait(&all);
	chan_free(shared);
	verdict("a full buffer and its waiting senders keep one order");
}

static void send_and_step(void *arg)
{
	int value = 1;

	(void)arg;
	expect_eq(chan_send(shared, &value), 0);
	step = 1;
	waitgroup_done(&all);
}

static void test_rendezvous(void)
{
	int value = 0;

	shared = chan_of(int, 0);
	expect_eq(chan_cap(shared), 0);
	expect_eq(chan_try_send(shared, &value), -EAGAIN);
	expect_eq(chan_try_recv(shared, &value), -EAGAIN);
	step = 0;
	waitgroup_add(&all, 1);
	go(send_and_step, NULL);
	until_parked(1);
	expect_eq(step, 0);
	expect_eq(chan_len(shared), 0);
	expect_eq(chan_recv(shared, &value), 0);
	waitgroup_wait(&all);
	expect_eq(step, 1);
	chan_free(shared);
	verdict("an unbuffered send ends when its value is taken, not before");
}

/* ---- Closing ---- */

static void receive_closed(void *arg)
{
	int value = 77;

	(void)arg;
	expect_eq(chan_recv(shared, &value), -EPIPE);
	expect_eq(value, 0);
	woken++;
	waitgroup_done(&all);
}

static void send_closed(void *arg)
{
	int value = 77;

	(void)arg;
	expect_eq(chan_send(shared, &value), -EPIPE);
	woken++;
	waitgroup_done(&all);
}

static void test_close(void)
{
	static const char receivers[] = "closing wakes every receiver with -EPIPE and a zero";
	static const char senders[] = "closing wakes every sender with -EPIPE";
	int value = 1;

	for (int capacity = 0; capacity < 3; capacity++) {
		shared = chan_of(int, capacity);
		waitgroup_add(&all, 20);
		for (int i = 0; i < 20; i++)
			go(receive_closed, NULL);
		until_parked(20);
		expect_eq(chan_close(shared), 0);
		test_wait(&all, &woken, receivers);
		chan_free(shared);
	}
	verdict(receivers);

	shared = chan_of(int, 2);
	for (value = 1; value <= 2; value++)
		expect_eq(chan_send(shared, &value), 0);
	waitgroup_add(&all, 20);
	for (int i = 0; i < 20; i++)
		go(send_closed, NULL);
	until_parked(20);
	expect_eq(chan_close(shared), 0);
	test_wait(&all, &woken, senders);
	verdict(senders);

	expect_eq(chan_close(shared), -EPIPE);
	expect_eq(chan_send(shared, &value), -EPIPE);
	expect_eq(chan_try_send(shared, &value), -EPIPE);
	expect_eq(chan_send_until(shared, &value, 0), -EPIPE);
	expect_eq(chan_len(shared), 2);
	expect_eq(chan_recv(shared, &value), 0);
	expect_eq(value, 1);
	expect_eq(chan_try_recv(shared, &value), 0);
	expect_eq(value, 2);
	value = 5;
	expect_eq(chan_try_recv(shared, &value), -EPIPE);
	expect_eq(value, 0);
	value = 5;
	expect_eq(chan_recv_until(shared, &value, 0), -EPIPE);
	expect_eq(value, 0);
	expect_eq(chan_recv(shared, (void *)NULL), -EPIPE);
	chan_free(shared);
	verdict("a closed channel is drained, then gives -EPIPE");
}

/* ---- Deadlines ---- */

static void send_later(void *arg)
{
	int value = 42;

	(void)arg;
	time_sleep(3 * NSEC_PER_MSEC);
	expect_eq(chan_send(shared, &value), 0);
	waitgroup_done(&all);
}

static void test_deadlines(void)
{
	int value = 9;
	uint64_t deadline;

	shared = chan_of(int, 0);
	for (int i = 0; i < 20; i++) {
		deadline = time_now() + (uint64_t)i * 100 * NSEC_PER_USEC;
		expect_eq(chan_recv_until(shared, &value, deadline), -ETIMEDOUT);
		expect(time_now() >= deadline);
		deadline = time_now() + (uint64_t)i * 100 * NSEC_PER_USEC;
		expect_eq(chan_send_until(shared, &value, deadline), -ETIMEDOUT);
		expect(time_now() >= deadline);
	}
	expect_eq(chan_recv_until(shared, &value, 0), -ETIMEDOUT);
	expect_eq(value, 9);
	expect_eq(chan_try_send(shared, &value), -EAGAIN);
	expect_eq(chan_try_recv(shared, &value), -EAGAIN);
	verdict("a deadline is kept, never early, and leaves no waiter behind");

	waitgroup_add(&all, 2);
	go(send_later, NULL);
	expect_eq(chan_recv_until(shared, &value, TIME_NEVER), 0);
	expect_eq(value, 42);
	go(send_later, NULL);
	expect_eq(chan_recv_until(shared, &value, time_now() + 1000 * NSEC_PER_SEC), 0);
	waitgroup_wait(&all);
	chan_free(shared);
	verdict("a value that comes before the deadline is received");

	shared = chan_of(int, 1);
	expect_eq(chan_send_until(shared, &value, 0), 0);
	expect_eq(chan_send_until(shared, &value, 1), -ETIMEDOUT);
	expect_eq(chan_len(shared), 1);
	expect_eq(chan_recv_until(shared, &value, 0), 0);
	expect_eq(chan_recv_until(shared, &value, 1), -ETIMEDOUT);
	chan_free(shared);
	verdict("what can be done at once is done, deadline past or not");
}

static void receive_and_leave(void *arg)
{
	int value;

	(void)arg;
	expect_eq(chan_recv_until(shared, &value, time_now() + 5 * NSEC_PER_MSEC), -ETIMEDOUT);
	step = 1;
	waitgroup_done(&all);
}

/* A waiter in the middle of the queue that times out must not take the others with it. */
static void test_leave_queue(void)
{
	int value;

	shared = chan_of(int, 0);
	step = 0;
	waitgroup_add(&all, 3);
	go(receive_in_turn, (void *)0);
	until_parked(1);
	go(receive_and_leave, NULL);
	while (!step && parked() < 2)
		go_yield();
	go(receive_in_turn, (void *)1);
	while (!step)
		go_yield();
	until_parked(2);
	for (value = 100; value < 102; value++)
		expect_eq(chan_try_send(shared, &value), 0);
	expect_eq(chan_try_send(shared, &value), -EAGAIN);
	waitgroup_wait(&all);
	chan_free(shared);
	verdict("a waiter that times out leaves the queue whole");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 16);
	test_errors();
	test_buffer();
	test_sizes();
	test_fifo();
	test_rendezvous();
	test_close();
	test_deadlines();
	test_leave_queue();
	return test_end();
}
