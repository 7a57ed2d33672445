/* Timers, time_after and tickers. (The clock and sleeping: time.c.) Nothing here says how late. */
#include "test.h"

static struct waitgroup all;
static _Atomic int fired, early;

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

static void until(_Atomic int *what, int n)
{
	uint64_t start = time_now();

	while (*what < n && patience(start))
		time_sleep(50 * NSEC_PER_USEC);
	expect(*what >= n);
}

static void fire(void *arg)
{
	if (arg && time_now() < *(uint64_t *)arg)
		early++;
	fired++;
}

static void test_once(void)
{
	struct timer t = {0};
	uint64_t deadline, first, lead = 10 * NSEC_PER_MSEC;

	expect(!timer_stop(&t));
	fired = early = 0;
	deadline = time_now() + 2 * NSEC_PER_MSEC;
	timer_start(&t, deadline, 0, fire, &deadline);
	until(&fired, 1);
	expect(!timer_stop(&t));
	timer_start(&t, 0, 0, fire, NULL);
	until(&fired, 2);
	timer_start(&t, time_now() + 3600 * NSEC_PER_SEC, 0, fire, NULL);
	expect(timer_stop(&t));
	expect(!timer_stop(&t));
	timer_start(&t, TIME_NEVER, 0, fire, NULL);
	time_sleep(3 * NSEC_PER_MSEC);
	expect(timer_stop(&t)); /* it was to fire, never */
	expect(!timer_stop(&t));
	expect_eq(fired, 2);
	expect_eq(early, 0);
	verdict("a timer fires once, unless it is stopped");

	fired = 0;
	timer_start(&t, time_now() + 3600 * NSEC_PER_SEC, 0, fire, NULL);
	deadline = time_now() + NSEC_PER_MSEC;
	timer_start(&t, deadline, 0, fire, &deadline); /* sooner */
	until(&fired, 1);
	/* Later: while it is pending, which it may not be where the machine stands still. */
	for (bool pending = false; !pending; lead *= 2) {
		timer_stop(&t);
		until_alone();
		fired = 0;
		first = time_now() + lead;
		timer_start(&t, first, 0, fire, &first);
		deadline = first + 3 * NSEC_PER_MSEC;
		timer_start(&t, deadline, 0, fire, &deadline);
		pending = time_now() < first;
		until(&fired, 1);
	}
	time_sleep_until(deadline + 2 * NSEC_PER_MSEC);
	until_alone();
	expect_eq(fired, 1);
	expect_eq(early, 0);
	verdict("starting a pending timer moves it");
}

/* ---- From its own function, periods ---- */

static struct timer own;
static uint64_t next_deadline;
static _Atomic int rounds;

static void start_again(void *arg)
{
	expect(go_id() > 1);
	if (time_now() < next_deadline)
		early++;
	if (++rounds >= 20)
		return;
	next_deadline = time_now() + 100 * NSEC_PER_USEC;
	timer_start(&own, next_deadline, 0, start_again, NULL);
}

static void stop_at_five(void *arg)
{
	if (++rounds == 5)
		fired = timer_stop(&own) ? 1 : 2;
}

static uint64_t period_start;
enum { PERIOD = 200 * 1000 };

static void count_period(void *arg)
{
	int n = ++rounds;

	if (time_now() < period_start + (uint64_t)n * PERIOD)
		early++;
}

static _Atomic int inside, most_inside;

static void overlap(void *arg)
{
	int now = ++inside, most = most_inside;

	while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
		;
	time_sleep(5 * NSEC_PER_MSEC);
	inside--;
}

static void test_periodic(void)
{
	rounds = early = 0;
	next_deadline = time_now() + 100 * NSEC_PER_USEC;
	timer_start(&own, next_deadline, 0, start_again, NULL);
	until(&rounds, 20);
	time_sleep(NSEC_PER_MSEC);
	expect_eq(rounds, 20);
	expect(!timer_stop(&own));
	verdict("a timer's function starts it again");

	rounds = 0;
	period_start = time_now();
	timer_start(&own, period_start + PERIOD, PERIOD, count_period, NULL);
	until(&rounds, 20);
	expect(timer_stop(&own));
	until_alone();
	int n = rounds;
	time_sleep(2 * NSEC_PER_MSEC);
	expect_eq(rounds, n);
	expect((uint64_t)n <= (time_now() - period_start) / PERIOD);
	expect_eq(early, 0);
	verdict("a periodic timer: never more periods than time, and none after its stop");

	rounds = fired = 0;
	timer_start(&own, 0, NSEC_PER_MSEC, stop_at_five, NULL);
	until(&fired, 1);
	until_alone(); /* those that were started before */
	n = rounds;
	expect_eq(fired, 1);
	time_sleep(3 * NSEC_PER_MSEC);
	expect_eq(rounds, n);
	expect(!timer_stop(&own));
	verdict("a periodic timer's function stops it");

	inside = most_inside = 0;
	timer_start(&own, 0, NSEC_PER_MSEC, overlap, NULL);
	until(&most_inside, 2);
	timer_stop(&own);
	until_alone();
	expect_eq(inside, 0);
	verdict("runs of a periodic timer overlap");
}

/* ---- From several cores: what is stopped does not fire, what is not fires once ---- */

static _Atomic int owed;

static void start_and_stop(void *arg)
{
	struct timer t = {0};
	uint32_t random = (uint32_t)(uintptr_t)arg * 48271 + 1;

	for (int i = 0; i < amount(150); i++) {
		timer_start(&t, time_now() + test_random(&random) % (40 * NSEC_PER_USEC), 0, fire,
			    NULL);
		if (i % 4 == 0)
			go_pin((int)(test_random(&random) % (unsigned)runtime_cores()));
		else
			spin_ns(test_random(&random) % (40 * NSEC_PER_USEC));
		if (!timer_stop(&t))
			owed++;
	}
	memset(&t, 0xdb, sizeof t);
	waitgroup_done(&all);
}

static struct timer shared;

static void fight(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg * 69621 + 1;

	for (int i = 0; i < amount(400); i++) {
		if (test_random(&random) % 3)
			timer_start(&shared, time_now() + test_random(&random) % 30000,
				    i & 1 ? 20 * NSEC_PER_USEC : 0, fire, NULL);
		else
			timer_stop(&shared);
		if (i % 8 == 0)
			go_yield();
	}
	waitgroup_done(&all);
}

static void test_cores(void)
{
	fired = owed = 0;
	waitgroup_add(&all, 8);
	for (intptr_t i = 0; i < 8; i++)
		go(start_and_stop, (void *)i);
	waitgroup_wait(&all);
	until_alone();
	expect_eq(fired, owed);
	printf("# %d fired\n", (int)fired);
	verdict("timer_stop on any core: true and it does not fire, false and it does");

	waitgroup_add(&all, 8);
	for (intptr_t i = 0; i < 8; i++)
		go(fight, (void *)i);
	waitgroup_wait(&all);
	timer_stop(&shared);
	until_alone();
	int n = fired;
	time_sleep(NSEC_PER_MSEC);
	expect_eq(fired, n);
	verdict("eight start and stop one timer");
}

/* ---- Many ---- */

enum { MANY = 100000, FIRING = 4000 };
static struct timer many[MANY];
static uint64_t deadlines[FIRING];

static void stop_half(void *arg)
{
	int stopped = 0;

	for (int i = 1; i < MANY; i += 2)
		stopped += timer_stop(&many[i]);
	expect_eq(stopped, MANY / 2);
	waitgroup_done(&all);
}

static void start_firing(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg + 1;

	for (int i = (int)(intptr_t)arg; i < FIRING; i += 4) {
		/* Near and far: all that a wheel does. */
		uint32_t spread = 1u << (10 + test_random(&random) % 18);
		deadlines[i] = time_now() + test_random(&random) % spread;
		timer_start(&many[i], deadlines[i], 0, fire, &deadlines[i]);
	}
	waitgroup_done(&all);
}

static void test_many(void)
{
	uint32_t random = 5;
	int stopped = 0;

	fired = early = 0;
	for (int i = 0; i < MANY; i++)
		timer_start(&many[i],
			    time_now() + 3600 * NSEC_PER_SEC +
				    (uint64_t)test_random(&random) * 1000,
			    0, fire, NULL);
	waitgroup_add(&all, 1);
	go(stop_half, NULL);
	waitgroup_wait(&all);
	for (int i = 0; i < MANY; i++)
		stopped += timer_stop(&many[i]);
	expect_eq(stopped, MANY / 2);
	expect_eq(fired, 0);
	verdict("100,000 timers started and stopped");

	waitgroup_add(&all, 4);
	for (intptr_t i = 0; i < 4; i++)
		go(start_firing, (void *)i);
	waitgroup_wait(&all);
	until(&fired, FIRING);
	until_alone();
	expect_eq(fired, FIRING);
	expect_eq(early, 0);
	verdict("%d timers fire once each, none early", FIRING);
}

/* ---- time_after ---- */

static void test_after(void)
{
	size_t before = heap_bytes();
	uint64_t start, when = 0;
	struct chan *c, *many_after[200];

	start = time_now();
	c = time_after(2 * NSEC_PER_MSEC);
	if (chan_try_recv(c, &when) == -EAGAIN) /* unless the host was slow */
		expect_eq(chan_recv(c, &when), 0);
	expect(when >= start + 2 * NSEC_PER_MSEC && when <= time_now());
	expect_eq(chan_recv_until(c, &when, time_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	chan_free(c);
	c = time_after(0);
	expect_eq(chan_recv(c, &when), 0);
	chan_free(c);
	c = time_after(TIME_NEVER);
	expect_eq(chan_recv_until(c, &when, time_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	chan_free(c);
	verdict("time_after sends the time once");

	chan_free(time_after(10 * NSEC_PER_SEC));
	c = time_after(100 * NSEC_PER_USEC);
	time_sleep(NSEC_PER_MSEC);
	chan_free(c);
	for (int i = 0; i < amount(2000); i++)
		chan_free(time_after((uint64_t)(i % 40) * NSEC_PER_USEC));
	for (int i = 0; i < 200; i++)
		many_after[i] = time_after((uint64_t)(i % 40) * 50 * NSEC_PER_USEC);
	for (int i = 199; i >= 0; i--) {
		if (i % 3)
			expect_eq(chan_recv(many_after[i], &when), 0);
		chan_free(many_after[i]);
	}
	expect_eq(heap_bytes(), before);
	verdict("its channel may be freed before it fires, while it does, and after");

	/* Go's usual timeout. */
	struct chan *never = chan_of(int, 0);
	for (int i = 0; i < 20; i++) {
		struct chan *timeout = time_after(300 * NSEC_PER_USEC);
		struct select_case k[2] = {{never, SELECT_RECV, NULL, 0},
					   {timeout, SELECT_RECV, &when, 0}};
		expect_eq(chan_select(k, 2), 1);
		chan_free(timeout);
	}
	chan_free(never);
	expect_eq(heap_bytes(), before);
	verdict("a select with a timeout");
}

/* ---- Tickers ---- */

static void test_ticker(void)
{
	struct ticker t = {0};
	size_t before = heap_bytes();
	uint64_t start, when, last = 0, between;

	expect_eq(ticker_start(&t, 0), -EINVAL);
	start = time_now();
	expect_eq(ticker_start(&t, NSEC_PER_MSEC), 0);
	for (uint64_t i = 1; i <= 10; i++) {
		expect_eq(chan_recv(t.chan, &when), 0);
		expect(when >= start + i * NSEC_PER_MSEC);
		expect(when > last && when <= time_now());
		last = when;
	}
	ticker_stop(&t);
	verdict("a ticker ticks, never early");

	/* Ten periods missed are one tick, not ten. */
	expect_eq(ticker_start(&t, NSEC_PER_MSEC), 0);
	time_sleep(10 * NSEC_PER_MSEC);
	expect_eq(chan_recv(t.chan, &when), 0);
	between = time_now();
	expect(when <= between);
	for (int i = 0; i < 3; i++) {
		expect_eq(chan_recv(t.chan, &last), 0);
		expect(last > when);
		when = last;
	}
	/* The second is a tick that came after the first was taken, or the one that just did. */
	expect(when >= between);
	ticker_stop(&t);
	verdict("a slow receiver misses ticks: no burst");

	for (int i = 0; i < amount(500); i++) {
		expect_eq(ticker_start(&t, (uint64_t)(1 + i % 50) * NSEC_PER_USEC), 0);
		if (i % 3 == 0)
			expect_eq(chan_recv(t.chan, &when), 0);
		ticker_stop(&t);
		memset(&t, 0xdb, sizeof t);
	}
	expect_eq(heap_bytes(), before);
	verdict("tickers are stopped at any moment, and nothing stays allocated");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 17);
	test_once();
	test_periodic();
	test_cores();
	test_many();
	test_after();
	test_ticker();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
