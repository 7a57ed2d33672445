/* Select: many cases, nothing allocated, and one instant. */
#include "test.h"

enum { MOST = 65536 };

static struct waitgroup all;
static struct chan *channels[MOST];

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

/* ---- Many cases ---- */

static struct select_case *cases;
static int cases_n, happened;

static void wait_in_select(void *arg)
{
	happened = chan_select(cases, cases_n);
	waitgroup_done(&all);
}

static void start_waiting(void)
{
	happened = -1;
	waitgroup_add(&all, 1);
	go(wait_in_select, NULL);
	until_parked(1);
}

/* n cases over n_channels channels, sends and receives in turn. */
static void test_many(int n, int n_channels)
{
	static int sent[2], got;
	int value = 7;
	uint32_t random = 1;
	size_t before = heap_bytes(), while_waiting;

	cases_n = n;
	cases = calloc((size_t)n, sizeof *cases);
	for (int i = 0; i < n_channels; i++)
		channels[i] = chan_of(int, 0);
	for (int i = 0; i < n; i++) {
		struct chan *c = channels[i % n_channels];
		int side = i % n_channels & 1;
		cases[i] = (struct select_case){c, side ? SELECT_SEND : SELECT_RECV,
						side ? &sent[0] : &got, 77};
	}
	sent[0] = 3;
	expect_eq(chan_try_select(cases, n), -EAGAIN);
	expect_eq(chan_select_until(cases, n, time_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	for (int round = 0; round < 4; round++) {
		int at = round == 0 ? n_channels - 1
				    : (int)(test_random(&random) % (uint32_t)n_channels);
		while_waiting = heap_bytes();
		start_waiting();
		if (n <= 16)
			expect_eq(heap_bytes(), while_waiting);
		got = -1;
		if (at & 1) {
			expect_eq(chan_try_recv(channels[at], &value), 0);
			expect_eq(value, 3);
		} else {
			expect_eq(chan_try_send(channels[at], &value), 0);
		}
		waitgroup_wait(&all);
		expect_eq(happened % n_channels, at);
		expect_eq(cases[happened].status, 0);
		cases[happened].status = 77;
		expect_eq(got, at & 1 ? -1 : value);
		expect_eq(chan_try_select(cases, n), -EAGAIN);
	}
	chan_close(channels[n_channels / 2]);
	happened = chan_select(cases, n);
	expect_eq(happened % n_channels, n_channels / 2);
	expect_eq(cases[happened].status, -EPIPE);
	cases[happened].status = 77;
	for (int i = 0; i < n; i++)
		expect_eq(cases[i].status, 77);
	for (int i = 0; i < n_channels; i++)
		chan_free(channels[i]); /* panics where a case is left in a queue */
	free(cases);
	until_alone();
	expect_eq(heap_bytes(), before);
	verdict("%d cases on %d channels", n, n_channels);
}

/* ---- One instant ---- */

static struct chan *left, *right;
static _Atomic bool stop;

/* Always one of the two has a value: the one that is emptied is the one that need not. */
static void move_token(void *arg)
{
	int value = 1, drained;

	while (!stop) {
		chan_try_send(right, &value);
		chan_try_recv(left, &drained);
		chan_try_send(left, &value);
		chan_try_recv(right, &drained);
	}
	waitgroup_done(&all);
}

static void test_instant(void)
{
	uint64_t old = runtime_set_quantum(20 * NSEC_PER_USEC), start = time_now();
	int value = 1, missed = 0, taken[2] = {0};
	struct select_case k[2];

	left = chan_of(int, 1);
	right = chan_of(int, 1);
	chan_send(left, &value);
	stop = false;
	waitgroup_add(&all, 1);
	go(move_token, NULL);
	for (int i = 0; i < amount(6000) && patience(start); i++) {
		k[0] = (struct select_case){left, SELECT_RECV, &value, 0};
		k[1] = (struct select_case){right, SELECT_RECV, NULL, 0};
		int which = chan_try_select(k, 2);
		if (which < 0) {
			missed++;
			continue;
		}
		taken[which]++;
		/* Back to where it was, unless it has been filled since. */
		chan_try_send(which ? right : left, &value);
		if (i % 16 == 0)
			go_yield();
	}
	stop = true;
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	chan_free(left);
	chan_free(right);
	check(missed == 0, "where some case is always ready, try never says -EAGAIN");
	printf("# %d from the left, %d from the right\n", taken[0], taken[1]);
}

/* After Go's TestNonblockSelectRace: a value in one channel or the other at every moment; in the
 * second half the one is closed instead. */
static _Atomic int nothing_ready;

static void must_find(void *arg)
{
	struct select_case k[2] = {{left, SELECT_RECV, NULL, 0}, {right, SELECT_RECV, NULL, 0}};

	if (chan_try_select(k, 2) < 0)
		nothing_ready++;
	waitgroup_done(&all);
}

static void test_race(void)
{
	int value = 1;

	for (int i = 0; i < amount(1500); i++) {
		left = chan_of(int, 1);
		right = chan_of(int, 1);
		chan_send(left, &value);
		waitgroup_add(&all, 1);
		go(must_find, NULL);
		if (i & 1)
			chan_close(right);
		else
			chan_send(right, &value);
		chan_try_recv(left, &value);
		waitgroup_wait(&all);
		chan_free(left);
		chan_free(right);
	}
	check(nothing_ready == 0, "nor where one becomes ready before the other ceases to be");
}

/* ---- Go's TestMultiConsumer: what many take from one and give to another is complete ---- */

enum { WORKERS = 23, PRIMES = 10 };
static const int primes[PRIMES] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 31};
static struct chan *questions, *answers;

static void feed(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++)
		chan_send(questions, &primes[i % PRIMES]);
	chan_close(questions);
}

static void work(void *arg)
{
	int value;

	for (;;) {
		struct select_case k[1] = {{questions, SELECT_RECV, &value, 0}};
		expect_eq(chan_select(k, 1), 0);
		if (k[0].status == -EPIPE)
			break;
		if (primes[value % PRIMES] == value)
			go_yield();
		expect_eq(chan_send(answers, &value), 0);
	}
	waitgroup_done(&all);
}

static void close_answers(void *arg)
{
	waitgroup_wait(&all);
	chan_close(answers);
}

static void test_consumers(void)
{
	int n = amount(2000), value, received = 0, sum = 0, want = 0;

	questions = chan_of(int, WORKERS);
	answers = chan_of(int, WORKERS);
	waitgroup_add(&all, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		go(work, NULL);
	go(feed, (void *)(intptr_t)n);
	go(close_answers, NULL);
	while (chan_recv(answers, &value) == 0) {
		received++;
		sum += value;
	}
	for (int i = 0; i < n; i++)
		want += primes[i % PRIMES];
	expect_eq(received, n);
	expect_eq(sum, want);
	until_alone();
	chan_free(questions);
	chan_free(answers);
	verdict("what many take and pass on arrives");
}

int main(int argc, char **argv)
{
	size_t before;

	test_begin(argc, argv, 11);
	before = heap_bytes();
	test_many(2, 2);
	test_many(16, 16);
	test_many(17, 17);
	test_many(1000, 1000);
	test_many(1000, 3);
	test_many(MOST, 4096);
	test_instant();
	test_race();
	test_consumers();
	struct select_case *too_many = calloc(MOST + 1, sizeof *too_many);
	check(chan_try_select(too_many, MOST + 1) == -EINVAL, "65,537 cases are too many");
	free(too_many);
	until_alone();
	check(heap_bytes() == before, "nothing stays allocated");
	return test_end();
}
