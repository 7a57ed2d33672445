/*
 * Nothing but time keeps the machine alive here, again and again: a deadlock must not be seen where
 * a timer is pending. And at quiet moments the statistics are exact.
 */
#include <unistd.h>

#include "test.h"

static struct event event;
static struct sema sema;
static struct waitgroup wg;
static struct chan *never;
static struct runtime_stats first;

static void quiet(const char *after)
{
	struct runtime_stats s;

	until_alone();
	runtime_stats(&s);
	expect_eq(s.live, 1);
	expect_eq(runtime_count(), 1);
	expect_eq(s.spawned - s.exited, 1);
	expect_eq(s.parked, 0);
	expect_eq(s.runnable, 0);
	expect_eq(s.heap_bytes, first.heap_bytes);
	expect_eq(s.stack_bytes, first.stack_bytes);
	verdict("%s; then all is as it was", after);
}

static void test_sleep(void)
{
	uint32_t random = 3;

	for (int i = 0; i < amount(150); i++) {
		go_pin(i % 3 ? i % runtime_cores() : -1);
		if (i % 10 == 0)
			runtime_procs(1 + i / 10 % runtime_cores());
		expect_eq(time_sleep(test_random(&random) % (300 * NSEC_PER_USEC)), 0);
	}
	go_pin(-1);
	runtime_procs(1000);
	quiet("all cores sleep, one of them by time");
}

static void post(void *arg)
{
	event_post(&event);
}

static void release(void *arg)
{
	sema_release(&sema);
}

static void done(void *arg)
{
	waitgroup_done(&wg);
}

static void test_timer(void)
{
	struct timer t = {0}, u = {0}, v = {0};

	for (int i = 0; i < amount(50); i++) {
		waitgroup_add(&wg, 1);
		timer_start(&t, time_now() + (uint64_t)i * 10 * NSEC_PER_USEC, 0, post, NULL);
		go_pin(i % runtime_cores());
		timer_start(&u, time_now() + (uint64_t)i * 7 * NSEC_PER_USEC, 0, release, NULL);
		timer_start(&v, time_now() + (uint64_t)i * 13 * NSEC_PER_USEC, 0, done, NULL);
		expect_eq(event_wait(&event), 0);
		expect_eq(sema_acquire(&sema), 0);
		expect_eq(waitgroup_wait(&wg), 0);
	}
	go_pin(-1);
	quiet("all wait for what a timer's function does");
}

static int member(void *arg)
{
	expect_eq(chan_recv(never, NULL), -ECANCELED);
	return 0;
}

static void test_deadlines(void)
{
	static struct mutex lock;
	static struct cond cond;
	struct event nobody = {0};
	struct sema none = {0};
	struct waitgroup busy = {0};
	struct ticker ticker;
	struct select_case k[1] = {{never, SELECT_RECV, NULL, 0}};

	waitgroup_add(&busy, 1);
	for (int i = 0; i < amount(20); i++) {
		uint64_t step = (uint64_t)(i % 5) * 40 * NSEC_PER_USEC;
		struct group g;
		expect_eq(event_wait_until(&nobody, time_now() + step), -ETIMEDOUT);
		expect_eq(sema_acquire_until(&none, time_now() + step), -ETIMEDOUT);
		expect_eq(waitgroup_wait_until(&busy, time_now() + step), -ETIMEDOUT);
		expect_eq(chan_recv_until(never, NULL, time_now() + step), -ETIMEDOUT);
		expect_eq(chan_send_until(never, NULL, time_now() + step), -ETIMEDOUT);
		expect_eq(chan_select_until(k, 1, time_now() + step), -ETIMEDOUT);
		mutex_lock(&lock);
		expect_eq(cond_wait_until(&cond, &lock, time_now() + step), -ETIMEDOUT);
		mutex_unlock(&lock);
		struct chan *after = time_after(step);
		expect_eq(chan_recv(after, NULL), 0);
		chan_free(after);
		group_init(&g, time_now() + step);
		group_go(&g, member, NULL);
		group_go(&g, member, NULL);
		expect_eq(group_wait(&g), -ETIMEDOUT);
		ticker_start(&ticker, step + 1000);
		expect_eq(chan_recv(ticker.chan, NULL), 0);
		expect_eq(chan_recv(ticker.chan, NULL), 0);
		ticker_stop(&ticker);
	}
	quiet("all wait for deadlines, tickers, a group's time");
}

/* A wave of wakings through all cores, with pauses in which all of them sleep. */
static struct event chain[16];

static void pass_on(void *arg)
{
	int i = (int)(intptr_t)arg;

	for (int round = 0; round < amount(10); round++) {
		event_wait(&chain[i]);
		if (round & 1)
			time_sleep(30 * NSEC_PER_USEC);
		event_post(&chain[(i + 1) % 16]);
	}
}

static void test_chain(void)
{
	struct go_options opt = {0};

	for (int i = 1; i < 16; i++) {
		opt.core = i & 1 ? 1 + i / 2 % runtime_cores() : 0;
		expect_eq(go_with(&opt, pass_on, (void *)(intptr_t)i), 0);
	}
	for (int round = 0; round < amount(10); round++) {
		event_post(&chain[1]);
		expect_eq(event_wait(&chain[0]), 0);
	}
	quiet("a wave through all cores");
}

static void read_to_end(void *arg)
{
	char c[16];
	ssize_t n;

	while ((n = read(0, c, sizeof c)) > 0)
		;
	expect_eq(n, 0);
	event_post(arg);
}

static void test_reader(void)
{
	struct event ended = {0};

	go(read_to_end, &ended);
	expect_eq(event_wait(&ended), 0);
	until_alone();
	check(true, "all wait for a reader of standard input, until its end");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 5);
	never = chan_make(0, 0);
	runtime_stats(&first);
	test_sleep();
	test_timer();
	test_deadlines();
	test_chain();
	test_reader();
	return test_end();
}
