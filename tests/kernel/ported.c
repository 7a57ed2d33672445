/*
 * What Go checks of its own channels, locks and clock, where other tests here do not: the ideas of
 * its tests, in C. The names are those of Go's.
 */
#include "test.h"

static struct waitgroup all;
static struct chan *c, *d, *e;
static struct mutex lock;
static struct cond cond;

/* ---- chan_test.go ---- */

static _Atomic int nothing_there;

static void try_receive(void *arg)
{
	if (chan_try_recv(c, NULL) == -EAGAIN)
		nothing_there++;
	waitgroup_done(&all);
}

/* A value, then closed: a receive that does not wait finds one or the other. */
static void nonblock_recv_race(void)
{
	int x = 1;

	for (int i = 0; i < amount(1500); i++) {
		c = chan_of(int, 1);
		chan_send(c, &x);
		waitgroup_add(&all, 1);
		go(try_receive, NULL);
		chan_close(c);
		chan_try_recv(c, &x);
		waitgroup_wait(&all);
		chan_free(c);
	}
	check(nothing_there == 0, "NonblockRecvRace");
}

static void select_duplicates(void *arg)
{
	int x = 0, nine = 9;
	struct select_case k[4] = {
		{c, SELECT_RECV, &x, 0},
		{d, SELECT_RECV, &x, 0},
		{c, SELECT_RECV, &x, 0},
		{e, SELECT_SEND, &nine, 0},
	};

	expect_eq(chan_select(k, 4), 1);
	expect_eq(x, 7);
	waitgroup_done(&all);
}

static void receive_eight(void *arg)
{
	int x = 0;

	expect_eq(chan_recv(c, &x), 0);
	expect_eq(x, 8);
	waitgroup_done(&all);
}

/* The select stands twice in the queue of c; who stands behind it is not lost when it leaves. */
static void select_duplicate_channel(void)
{
	int x;

	c = chan_of(int, 0);
	d = chan_of(int, 0);
	e = chan_of(int, 0);
	waitgroup_add(&all, 2);
	go(select_duplicates, NULL);
	until_parked(1);
	go(receive_eight, NULL);
	until_parked(2);
	x = 7;
	expect_eq(chan_send(d, &x), 0);
	x = 8;
	expect_eq(chan_send(c, &x), 0);
	waitgroup_wait(&all);
	expect_eq(chan_try_recv(e, &x), -EAGAIN);
	chan_free(c);
	chan_free(d);
	chan_free(e);
	verdict("SelectDuplicateChannel");
}

/* ---- The prime sieve: a chain of coroutines ---- */

static void generate(void *arg)
{
	for (int i = 2; chan_send((struct chan *)arg, &i) == 0; i++)
		;
	waitgroup_done(&all);
}

struct filter {
	struct chan *in, *out;
	int prime;
};

static void filter(void *arg)
{
	struct filter f = *(struct filter *)arg;
	int x;

	while (chan_recv(f.in, &x) == 0)
		if (x % f.prime && chan_send(f.out, &x) != 0)
			break;
	chan_close(f.in); /* when the one below has closed */
	waitgroup_done(&all);
}

static void sieve(void)
{
	struct chan *links[101];
	int prime = 0;

	links[0] = chan_of(int, 0);
	waitgroup_add(&all, 1);
	go(generate, links[0]);
	for (int i = 0; i < 100; i++) {
		expect_eq(chan_recv(links[i], &prime), 0);
		links[i + 1] = chan_of(int, 0);
		struct filter f = {links[i], links[i + 1], prime};
		waitgroup_add(&all, 1);
		go_copy(filter, &f, sizeof f);
	}
	expect_eq(prime, 541);
	chan_close(links[100]);
	waitgroup_wait(&all);
	for (int i = 0; i <= 100; i++)
		chan_free(links[i]);
	verdict("Sieve: the hundredth prime");
}

/* ---- sync ---- */

static struct waitgroup inner;
static _Atomic int counter;

static void count_and_done(void *arg)
{
	counter++;
	waitgroup_done(&inner);
}

static void waitgroup_race(void)
{
	for (int i = 0; i < amount(1000); i++) {
		counter = 0;
		memset(&inner, 0, sizeof inner);
		waitgroup_add(&inner, 1);
		go(count_and_done, NULL);
		waitgroup_add(&inner, 1);
		go(count_and_done, NULL);
		expect_eq(waitgroup_wait(&inner), 0);
		expect_eq(counter, 2);
	}
	verdict("WaitGroupRace");
}

static struct chan *awake;

static void wait_generation(void *arg)
{
	int i = (int)(intptr_t)arg;

	mutex_lock(&lock);
	chan_send(c, &i); /* buffered */
	expect_eq(cond_wait(&cond, &lock), 0);
	chan_send(awake, &i);
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

/* Who comes later is not woken by a signal for who came before. */
static void cond_signal_generations(void)
{
	int x;

	c = chan_of(int, 100);
	awake = chan_of(int, 100);
	waitgroup_add(&all, 100);
	for (intptr_t i = 0; i < 100; i++) {
		go(wait_generation, (void *)i);
		if (i > 0) {
			chan_recv(awake, &x);
			expect_eq(x, i - 1);
		}
		chan_recv(c, &x);
		mutex_lock(&lock);
		cond_signal(&cond);
		mutex_unlock(&lock);
	}
	waitgroup_wait(&all);
	chan_free(c);
	chan_free(awake);
	verdict("CondSignalGenerations");
}

static _Atomic int ready;
static bool condition;

static void steal_a(void *arg)
{
	mutex_lock(&lock);
	ready++;
	expect_eq(cond_wait(&cond, &lock), 0);
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void steal_b(void *arg)
{
	mutex_lock(&lock);
	while (!condition)
		cond_wait(&cond, &lock);
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void cond_signal_stealing(void)
{
	for (int i = 0; i < amount(200); i++) {
		ready = 0;
		condition = false;
		waitgroup_add(&all, 2);
		go(steal_a, NULL);
		while (!ready)
			go_yield();
		mutex_lock(&lock); /* it waits now */
		mutex_unlock(&lock);
		go(steal_b, NULL);
		cond_signal(&cond);
		mutex_lock(&lock);
		condition = true;
		cond_broadcast(&cond);
		mutex_unlock(&lock);
		waitgroup_wait(&all);
	}
	verdict("CondSignalStealing");
}

static struct once once;

static void leave(void *arg)
{
	counter++;
	go_exit();
}

static void leave_once(void *arg)
{
	go_defer((go_fn *)waitgroup_done, &all);
	once_do(&once, leave, NULL);
	expect_eq(counter, 1);
}

/* Go's OncePanic, with the other way not to return: it counts as done. */
static void once_exit(void)
{
	counter = 0;
	waitgroup_add(&all, 10);
	for (int i = 0; i < 10; i++)
		go(leave_once, NULL);
	waitgroup_wait(&all);
	once_do(&once, leave, NULL);
	expect_eq(counter, 1);
	verdict("OncePanic: go_exit in it");
}

/* ---- time ---- */

static void after_queuing(void)
{
	static const int slots[] = {5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
	struct chan *after[13];
	uint64_t when[13], start = time_now();

	for (int i = 0; i < 13; i++)
		after[i] = time_after((uint64_t)slots[i] * 2 * NSEC_PER_MSEC);
	for (int i = 0; i < 13; i++) {
		expect_eq(chan_recv(after[i], &when[i]), 0);
		expect(when[i] >= start + (uint64_t)slots[i] * 2 * NSEC_PER_MSEC);
		chan_free(after[i]);
	}
	verdict("AfterQueuing");
}

static void set_true(void *arg)
{
	counter++;
}

static void overflow_sleep(void)
{
	struct chan *timeout = time_after(UINT64_MAX - 1);
	struct timer t = {0};
	struct ticker ticker;
	uint64_t now = time_now();

	counter = 0;
	expect_eq(chan_recv_until(timeout, NULL, now + 2 * NSEC_PER_MSEC), -ETIMEDOUT);
	chan_free(timeout);
	timer_start(&t, time_now(), UINT64_MAX - 5, set_true, NULL);
	expect_eq(ticker_start(&ticker, UINT64_MAX - now / 2), 0);
	time_sleep(2 * NSEC_PER_MSEC);
	expect_eq(chan_len(ticker.chan), 0);
	ticker_stop(&ticker);
	until_alone();
	expect_eq(counter, 1);
	timer_stop(&t);
	expect_eq(time_sleep_until(0), 0);
	verdict("OverflowSleep: times that overflow never come");
}

static void stop_after_a_moment(void *arg)
{
	struct timer t = {0};

	timer_start(&t, time_now() + 3600 * NSEC_PER_SEC, 0, set_true, NULL);
	time_sleep((uint64_t)(intptr_t)arg % 5 * 100 * NSEC_PER_USEC);
	expect(timer_stop(&t));
	waitgroup_done(&all);
}

static void timer_stop_stress(void)
{
	counter = 0;
	waitgroup_add(&all, 100);
	for (intptr_t i = 0; i < 100; i++)
		go(stop_after_a_moment, (void *)i);
	waitgroup_wait(&all);
	expect_eq(counter, 0);
	verdict("TimerStopStress");
}

/* ---- proc_test.go: the number of procs changes while others come and go ---- */

static _Atomic bool stop;

static void change_procs(void *arg)
{
	uint32_t random = (uint32_t)go_id() | 1;

	while (!stop) {
		runtime_procs(1 + (int)(test_random(&random) % (unsigned)runtime_cores()));
		time_sleep(20 * NSEC_PER_USEC);
	}
	waitgroup_done(&all);
}

static void send_and_take(void *arg)
{
	int x = 0;

	for (int i = 0; i < amount(500); i++) {
		if (arg)
			expect_eq(chan_send(c, &i), 0);
		else
			expect_eq(chan_recv(c, &x), 0);
		if (i % 32 == 0)
			go_yield();
	}
	counter++;
	waitgroup_done(&all);
}

static void stop_the_world_deadlock(void)
{
	uint64_t start = time_now();

	counter = 0;
	c = chan_of(int, 2);
	waitgroup_add(&all, 10);
	go(change_procs, NULL);
	go(change_procs, NULL);
	for (int i = 0; i < 8; i++)
		go(send_and_take, i & 1 ? &all : NULL);
	while (counter < 8 && patience(start))
		time_sleep(100 * NSEC_PER_USEC);
	stop = true;
	waitgroup_wait(&all);
	runtime_procs(1000);
	chan_free(c);
	expect_eq(counter, 8);
	verdict("StopTheWorldDeadlock");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 12);
	nonblock_recv_race();
	select_duplicate_channel();
	sieve();
	waitgroup_race();
	cond_signal_generations();
	cond_signal_stealing();
	once_exit();
	after_queuing();
	overflow_sleep();
	timer_stop_stress();
	stop_the_world_deadlock();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
