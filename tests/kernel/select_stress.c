/*
 * Select under stress, with exact accounting: every value has a sender and a number; what a call
 * said was sent arrives once, what it said was not never does, and the numbers of a sender come
 * through one channel in their order.
 */
#include "test.h"

enum { CHANNELS = 4, SENDERS = 6, RECEIVERS = 5, MOST = 40000, MEMBERS = 4 };

struct value {
	int sender, number, channel;
	int check; /* a copy that was torn shows */
};

static struct waitgroup senders, receivers;
static struct chan *channel[CHANNELS];
static unsigned char sent[SENDERS][MOST];
static _Atomic unsigned char received[SENDERS][MOST];
static _Atomic int delivered, given_up, canceled;

static void seal(struct value *v)
{
	v->check = v->sender * 1000003 ^ v->number * 31 ^ v->channel;
}

static void record(const struct value *v, int last[SENDERS][CHANNELS], int from)
{
	struct value copy = *v;

	seal(&copy);
	if (copy.check != v->check || v->channel != from) {
		expect(!"a value arrives as it was sent");
		return;
	}
	expect(v->number > last[v->sender][from]);
	last[v->sender][from] = v->number;
	received[v->sender][v->number]++;
	delivered++;
}

/* One attempt to send number, in one of many ways: 0, or why not. */
static int send_one(int me, int number, uint32_t *random, bool patient)
{
	struct value v[CHANNELS];
	struct select_case k[CHANNELS + 1] = {0};
	uint32_t how = test_random(random) % 8;
	int result, at;

	for (int i = 0; i < CHANNELS; i++) {
		v[i] = (struct value){.sender = me, .number = number, .channel = i};
		seal(&v[i]);
		k[i] = (struct select_case){channel[i], SELECT_SEND, &v[i], 0};
	}
	at = (int)(test_random(random) % CHANNELS);
	if (how == 0)
		return chan_try_send(channel[at], &v[at]);
	if (how == 1)
		return chan_send_until(channel[at], &v[at],
				       time_now() + test_random(random) % (50 * NSEC_PER_USEC));
	if (how == 2)
		result = chan_try_select(k, CHANNELS);
	else if (how == 3)
		result = chan_select_until(k, CHANNELS + 1,
					   time_now() + test_random(random) % (50 * NSEC_PER_USEC));
	else if (how == 4 || !patient)
		return chan_send(channel[at], &v[at]);
	else
		result = chan_select(k, CHANNELS + (int)(how & 1));
	if (result >= 0)
		expect_eq(k[result].status, 0);
	return result < 0 ? result : 0;
}

static void send_many(void *arg)
{
	int me = (int)(intptr_t)arg;
	uint32_t random = (uint32_t)me * 7919 + 1;

	for (int n = 1; n <= amount(1000); n++) {
		int result = send_one(me, n, &random, true);
		if (result == 0)
			sent[me][n] = 1;
		else
			given_up++;
		expect(result == 0 || result == -EAGAIN || result == -ETIMEDOUT);
	}
	waitgroup_done(&senders);
}

static void receive_many(void *arg)
{
	int last[SENDERS][CHANNELS] = {0}, closed = 0, result;
	uint32_t random = (uint32_t)(intptr_t)arg * 104729 + 7;
	struct value v[CHANNELS];
	struct select_case k[CHANNELS];

	for (int i = 0; i < CHANNELS; i++)
		k[i] = (struct select_case){channel[i], SELECT_RECV, &v[i], 0};
	while (closed < CHANNELS) {
		uint32_t how = test_random(&random) % 4;
		if (how == 0)
			result = chan_try_select(k, CHANNELS);
		else if (how == 1)
			result = chan_select_until(k, CHANNELS,
						   time_now() + test_random(&random) %
									(50 * NSEC_PER_USEC));
		else
			result = chan_select(k, CHANNELS);
		if (result < 0) {
			expect(result == -EAGAIN || result == -ETIMEDOUT);
			if (result == -EAGAIN)
				go_yield();
		} else if (k[result].status == 0) {
			record(&v[result], last, result);
		} else {
			expect_eq(k[result].status, -EPIPE);
			k[result].op = SELECT_NONE;
			closed++;
		}
	}
	waitgroup_done(&receivers);
}

/* ---- A deadline and a sender that come at the same time ---- */

static struct chan *narrow;
static _Atomic uint64_t round_deadline; /* 0: nobody waits yet */
static _Atomic int round_result;
static _Atomic bool round_over;

static void receive_in_time(void *arg)
{
	for (int value, round = 0; round < (int)(intptr_t)arg; round++) {
		uint64_t deadline = time_now() + 200 * NSEC_PER_USEC;

		round_deadline = deadline;
		round_result = chan_recv_until(narrow, &value, deadline);
		for (round_over = true; round_over;)
			go_yield();
	}
	waitgroup_done(&receivers);
}

/* Who receives has the value, or who sends has it still. When both say that they have done it, the
 * receiver has been woken twice: nothing more can be tried. */
static void test_once(void)
{
	static const char once[] = "a wait ends once: by its deadline, or by who sends";
	int rounds = amount(200), value = 1;
	uint32_t random = 99;

	narrow = chan_of(int, 0);
	waitgroup_add(&receivers, 1);
	go_pin(0);
	go_with(&(struct go_options){.core = runtime_cores()}, receive_in_time,
		(void *)(intptr_t)rounds);
	for (int round = 0; round < rounds; round++) {
		uint64_t deadline, early = test_random(&random) % (100 * NSEC_PER_USEC);
		bool sent;

		while (!(deadline = atomic_exchange(&round_deadline, 0)))
			go_yield();
		while (time_now() + early < deadline)
			;
		sent = chan_try_send(narrow, &value) == 0;
		while (!round_over)
			go_yield();
		if (sent != (round_result == 0)) {
			check(false, once);
			exit(test_end());
		}
		round_over = false;
	}
	waitgroup_wait(&receivers);
	go_pin(-1);
	chan_free(narrow);
	verdict(once);
}

static void make_channels(void)
{
	static const size_t capacities[CHANNELS] = {0, 0, 1, 7};

	for (int i = 0; i < CHANNELS; i++)
		channel[i] = chan_of(struct value, capacities[i]);
	memset(sent, 0, sizeof sent);
	memset((void *)received, 0, sizeof received);
	delivered = given_up = canceled = 0;
}

static void account(const char *what)
{
	int lost = 0, twice = 0, ghosts = 0;

	for (int s = 0; s < SENDERS; s++)
		for (int n = 0; n < MOST; n++) {
			lost += sent[s][n] && !received[s][n];
			twice += received[s][n] > 1;
			ghosts += received[s][n] && !sent[s][n];
		}
	expect_eq(lost, 0);
	expect_eq(twice, 0);
	expect_eq(ghosts, 0);
	for (int i = 0; i < CHANNELS; i++)
		chan_free(channel[i]);
	printf("# %d delivered, %d given up, %d cancelled\n", (int)delivered, (int)given_up,
	       (int)canceled);
	verdict("%s", what);
}

static void test_all_ways(void)
{
	make_channels();
	waitgroup_add(&senders, SENDERS);
	waitgroup_add(&receivers, RECEIVERS);
	for (intptr_t i = 0; i < RECEIVERS; i++)
		go(receive_many, (void *)i);
	for (intptr_t i = 0; i < SENDERS; i++)
		go(send_many, (void *)i);
	waitgroup_wait(&senders);
	for (int i = 0; i < CHANNELS; i++)
		chan_close(channel[i]);
	waitgroup_wait(&receivers);
	account("what was sent is what was received");
}

/* ---- Members of groups that are cancelled in the middle of it ---- */

static int next_number[SENDERS]; /* used by one group at a time */

static int member_sends(void *arg)
{
	int me = (int)(intptr_t)arg, result;
	uint32_t random = (uint32_t)go_id() | 1;

	while (next_number[me] < MOST - 1) {
		int number = ++next_number[me];
		result = send_one(me, number, &random, true);
		if (result == 0)
			sent[me][number] = 1;
		else if (result == -ECANCELED)
			break;
		else
			given_up++;
	}
	canceled++;
	return 0;
}

struct receiver {
	int last[SENDERS][CHANNELS];
};

static int member_receives(void *arg)
{
	struct receiver *r = arg;
	struct value v[CHANNELS];
	struct select_case k[CHANNELS];

	for (int i = 0; i < CHANNELS; i++)
		k[i] = (struct select_case){channel[i], SELECT_RECV, &v[i], 77};
	for (int round = 0;; round++) {
		int result = round & 1 ? chan_select(k, CHANNELS)
				       : chan_select_until(k, CHANNELS, time_now() + NSEC_PER_MSEC);
		if (result >= 0) {
			expect_eq(k[result].status, 0);
			k[result].status = 77;
			record(&v[result], r->last, result);
		} else if (result == -ECANCELED) {
			break;
		}
		for (int i = 0; i < CHANNELS; i++)
			expect_eq(k[i].status, 77);
	}
	canceled++;
	return 0;
}

static void test_cancel(void)
{
	static struct receiver r[MEMBERS];
	uint32_t random = 4711;
	int value_left = 0;

	make_channels();
	memset(next_number, 0, sizeof next_number);
	memset(r, 0, sizeof r);
	for (int round = 0; round < amount(25); round++) {
		struct group g, h;
		group_init(&g, TIME_NEVER);
		group_init(&h, round % 3 ? TIME_NEVER : time_now() + 400 * NSEC_PER_USEC);
		for (intptr_t i = 0; i < SENDERS; i++)
			expect_eq(group_go(&g, member_sends, (void *)i), 0);
		for (int i = 0; i < MEMBERS; i++) {
			int started = group_go(&h, member_receives, &r[i]);
			expect(started == 0 || round % 3 == 0);
		}
		time_sleep(test_random(&random) % NSEC_PER_MSEC);
		if (round & 1) {
			group_cancel(&g, -EINTR);
			expect_eq(group_wait(&g), -EINTR);
			group_cancel(&h, -EINTR);
			expect(group_wait(&h) < 0);
		} else {
			group_cancel(&h, -EINTR);
			expect(group_wait(&h) < 0);
			group_cancel(&g, -EIO);
			expect_eq(group_wait(&g), -EIO);
		}
		/* Those who took over could be behind what is still in the buffers. */
		for (int i = 0; i < CHANNELS; i++) {
			struct value v;
			while (chan_try_recv(channel[i], &v) == 0) {
				received[v.sender][v.number]++;
				value_left++;
			}
		}
	}
	account("a cancelled call has not sent and has not received");
}

/* ---- After Go's TestSelectStress: four channels, every arm exactly as often as meant ---- */

static void send_plain(void *arg)
{
	struct value v = {0};

	for (int i = 0; i < amount(500); i++)
		chan_send((struct chan *)arg, &v);
	waitgroup_done(&senders);
}

static void receive_plain(void *arg)
{
	struct value v;

	for (int i = 0; i < amount(500); i++)
		chan_recv((struct chan *)arg, &v);
	waitgroup_done(&senders);
}

/* Each arm so many times, then no more. */
static void each_arm(void *arg)
{
	enum select_op op = arg ? SELECT_SEND : SELECT_RECV;
	struct value v = {0};
	struct select_case k[CHANNELS];
	int done[CHANNELS] = {0}, left = CHANNELS * amount(500);

	for (int i = 0; i < CHANNELS; i++)
		k[i] = (struct select_case){channel[i], op, &v, 0};
	while (left--) {
		int i = chan_select(k, CHANNELS);
		if (++done[i] == amount(500))
			k[i].chan = NULL;
	}
	waitgroup_done(&senders);
}

static void test_arms(void)
{
	make_channels();
	waitgroup_add(&senders, 2 * CHANNELS + 2);
	for (int i = 0; i < CHANNELS; i++) {
		go(send_plain, channel[i]);
		go(receive_plain, channel[i]);
	}
	go(each_arm, &senders);
	go(each_arm, NULL);
	waitgroup_wait(&senders);
	for (int i = 0; i < CHANNELS; i++)
		expect_eq(chan_len(channel[i]), 0);
	for (int i = 0; i < CHANNELS; i++)
		chan_free(channel[i]);
	verdict("every arm as often as meant");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 5);
	runtime_set_quantum(100 * NSEC_PER_USEC);
	test_once();
	test_all_ways();
	test_cancel();
	test_arms();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
