/* Channels under load: nothing lost, nothing twice, each sender's values in order. */
#include "test.h"

struct message {
	uint32_t sender, number;
	uint32_t check; /* sender * 31 + number */
};

enum { SENDERS = 8, RECEIVERS = 5 };

static struct waitgroup senders, receivers;
static struct chan *shared;
static int per_sender;
static _Atomic uint64_t taken_count, taken_sum, sent_count;
static bool in_hurry; /* use try_ and short deadlines */

static struct message message_of(uint32_t sender, uint32_t number)
{
	return (struct message){sender, number, sender * 31 + number};
}

static int send_one(const struct message *m, uint32_t *random)
{
	int status = -EAGAIN;

	if (!in_hurry)
		return chan_send(shared, m);
	while (status == -EAGAIN || status == -ETIMEDOUT) {
		if (test_random(random) % 2) {
			status = chan_try_send(shared, m);
			if (status == -EAGAIN)
				go_yield();
		} else {
			uint64_t wait = test_random(random) % (30 * NSEC_PER_USEC);
			status = chan_send_until(shared, m, time_now() + wait);
		}
	}
	return status;
}

static int receive_one(struct message *m, uint32_t *random)
{
	int status = -EAGAIN;

	if (!in_hurry)
		return chan_recv(shared, m);
	while (status == -EAGAIN || status == -ETIMEDOUT) {
		if (test_random(random) % 2) {
			status = chan_try_recv(shared, m);
			if (status == -EAGAIN)
				go_yield();
		} else {
			uint64_t wait = test_random(random) % (30 * NSEC_PER_USEC);
			status = chan_recv_until(shared, m, time_now() + wait);
		}
	}
	return status;
}

static void sender(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg, random = me * 7919 + 1;

	for (int i = 0; i < per_sender; i++) {
		struct message m = message_of(me, (uint32_t)i);
		int status = send_one(&m, &random);
		if (status == -EPIPE)
			break;
		expect_eq(status, 0);
		sent_count++;
	}
	waitgroup_done(&senders);
}

static void receiver(void *arg)
{
	int64_t last[SENDERS];
	struct message m;
	uint32_t random = (uint32_t)(uintptr_t)arg * 104729 + 1;

	for (int i = 0; i < SENDERS; i++)
		last[i] = -1;
	while (receive_one(&m, &random) == 0) {
		expect(m.sender < SENDERS && m.check == m.sender * 31 + m.number);
		if (m.sender < SENDERS) {
			expect(m.number > last[m.sender]);
			last[m.sender] = m.number;
		}
		taken_count++;
		taken_sum += m.sender * 1000003ull + m.number;
	}
	waitgroup_done(&receivers);
}

static void run(size_t capacity, int n, bool hurry, bool close_early)
{
	uint64_t want = 0;

	shared = chan_of(struct message, capacity);
	per_sender = n;
	in_hurry = hurry;
	taken_count = taken_sum = sent_count = 0;
	waitgroup_add(&senders, SENDERS);
	waitgroup_add(&receivers, RECEIVERS);
	for (uintptr_t i = 0; i < RECEIVERS; i++)
		go(receiver, (void *)i);
	for (uintptr_t i = 0; i < SENDERS; i++)
		go(sender, (void *)i);
	if (close_early) {
		while (taken_count < (uint64_t)n)
			go_yield();
		expect_eq(chan_close(shared), 0);
		waitgroup_wait(&senders);
	} else {
		waitgroup_wait(&senders);
		expect_eq(chan_close(shared), 0);
	}
	waitgroup_wait(&receivers);
	expect_eq(taken_count, sent_count);
	for (uint64_t s = 0; s < SENDERS; s++)
		for (int i = 0; i < n; i++)
			want += s * 1000003ull + (unsigned)i;
	if (!close_early) {
		expect_eq(sent_count, (uint64_t)SENDERS * (unsigned)n);
		expect_eq(taken_sum, want);
	}
	chan_free(shared);
}

/* The receiver of the last value frees the channel at once: the sender must not touch it again. */
static struct chan *brief[64];

static void send_last(void *arg)
{
	struct chan **c = arg;
	uint64_t value = (uintptr_t)*c;

	expect_eq(chan_send(*c, &value), 0);
	waitgroup_done(&senders);
}

static void test_free(void)
{
	for (int round = 0; round < amount(40); round++) {
		waitgroup_add(&senders, 64);
		for (int i = 0; i < 64; i++) {
			brief[i] = chan_of(uint64_t, (size_t)(i % 2));
			go(send_last, &brief[i]);
		}
		for (int i = 0; i < 64; i++) {
			uint64_t value = 0;
			expect_eq(chan_recv(brief[i], &value), 0);
			expect_eq(value, (uintptr_t)brief[i]);
			chan_free(brief[i]);
			void *other = malloc(128);
			memset(other, 0xa5, 128);
			free(other);
		}
		waitgroup_wait(&senders);
	}
	verdict("who received the last value may free the channel");
}

/* A ring of coroutines, each with its channel: one token goes round. */
enum { RING = 200 };
static struct chan *ring[RING];

static void ring_member(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	long token;

	while (chan_recv(ring[me], &token) == 0) {
		if (--token < 0)
			break;
		chan_send(ring[(me + 1) % RING], &token);
	}
	for (int i = 0; i < RING; i++)
		chan_close(ring[i]);
	waitgroup_done(&receivers);
}

static void test_ring(void)
{
	long token = amount(4000);

	for (int i = 0; i < RING; i++)
		ring[i] = chan_of(long, 0);
	waitgroup_add(&receivers, RING);
	for (uintptr_t i = 0; i < RING; i++)
		go(ring_member, (void *)i);
	expect_eq(chan_send(ring[0], &token), 0);
	waitgroup_wait(&receivers);
	for (int i = 0; i < RING; i++)
		chan_free(ring[i]);
	verdict("a token goes round a ring");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 12);
	run(0, amount(1000), false, false);
	verdict("unbuffered, %d senders, %d receivers", SENDERS, RECEIVERS);
	run(1, amount(1000), false, false);
	verdict("a buffer of 1");
	run(64, amount(1000), false, false);
	verdict("a buffer of 64");
	run(0, amount(250), true, false);
	verdict("unbuffered, try and deadlines");
	run(4, amount(250), true, false);
	verdict("a buffer of 4, try and deadlines");
	run(0, amount(500), false, true);
	verdict("unbuffered, closed while they send");
	run(16, amount(500), false, true);
	verdict("a buffer of 16, closed while they send");

	uint64_t old = runtime_set_quantum(20 * NSEC_PER_USEC);
	run(0, amount(500), false, false);
	verdict("unbuffered, quantum 20 us");
	run(16, amount(500), true, false);
	verdict("a buffer of 16, try and deadlines, quantum 20 us");
	test_free();
	runtime_set_quantum(old);

	test_ring();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
