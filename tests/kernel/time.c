/* The clock and sleeping. */
#include <time.h>
#include <unistd.h>

#include "test.h"

static struct waitgroup all;

/* ---- The clock ---- */

static _Atomic uint64_t latest;

/* No core may see a time before one that another core has published. */
static void watch_clock(void *arg)
{
	uint64_t before = 0;

	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		uint64_t seen = atomic_load(&latest);
		uint64_t now = time_now();
		expect(now >= seen);
		expect(now >= before);
		before = now;
		while (seen < now && !atomic_compare_exchange_weak(&latest, &seen, now))
			;
		if (i % 64 == 0)
			go_yield();
	}
	waitgroup_done(&all);
}

static void test_clock(void)
{
	uint64_t start = time_now();

	expect(start > 0);
	expect(start < 600 * NSEC_PER_SEC);
	for (int core = 0; core < runtime_cores(); core++) {
		waitgroup_add(&all, 2);
		go_with(&(struct go_options){.core = 1 + core}, watch_clock,
			(void *)(intptr_t)amount(5000));
		go(watch_clock, (void *)(intptr_t)amount(5000));
	}
	waitgroup_wait(&all);
	expect(time_now() > start);
	verdict("the clock never goes back, on one core or from core to core");
}

/* ---- Sleeping ---- */

static void sleep_a_while(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < amount(5); i++) {
		uint64_t ns = test_random(&random) % (3 * NSEC_PER_MSEC);
		uint64_t start = time_now();
		expect_eq(time_sleep(ns), 0);
		expect(time_now() - start >= ns);
		start = time_now() + ns / 2;
		expect_eq(time_sleep_until(start), 0);
		expect(time_now() >= start);
	}
	waitgroup_done(&all);
}

static void test_sleep(void)
{
	expect_eq(time_sleep(0), 0);
	expect_eq(time_sleep_until(0), 0);
	expect_eq(time_sleep_until(time_now()), 0);
	expect_eq(time_sleep_until(1), 0);
	verdict("no time and a time that has passed return at once");

	waitgroup_add(&all, 200);
	for (uintptr_t i = 1; i <= 200; i++)
		go(sleep_a_while, (void *)(i * 1237));
	waitgroup_wait(&all);
	verdict("a sleep is never short");

	for (uint64_t ns = 1; ns < 200 * NSEC_PER_MSEC; ns *= 3) {
		uint64_t start = time_now();
		time_sleep(ns);
		expect(time_now() - start >= ns);
	}
	verdict("from 1 ns to 0.1 s");
}

static void sleep_for_ever(void *arg)
{
	time_sleep(arg ? UINT64_MAX : UINT64_MAX / 2);
	expect(!"for ever has ended");
}

static void test_for_ever(void)
{
	go(sleep_for_ever, NULL);
	go(sleep_for_ever, &all);
	until_parked(2);
	time_sleep(20 * NSEC_PER_MSEC);
	expect_eq(parked(), 2);
	verdict("a duration that overflows means never");
}

/* ---- Order ---- */

enum { SLEEPERS = 50 };
static uint64_t base;
static _Atomic int late, woken;
static int wake_order[SLEEPERS];

static void sleep_in_order(void *arg)
{
	int rank = (int)(intptr_t)arg;

	if (time_now() > base)
		late++;
	time_sleep_until(base + (uint64_t)rank * NSEC_PER_MSEC);
	wake_order[woken++] = rank;
	waitgroup_done(&all);
}

/* On one core, those whose time comes first wake first, even when the host held everything up.
 * That needs all of them asleep before the first time has come: a later one is tried otherwise. */
static void test_order(void)
{
	uint64_t lead = 50 * NSEC_PER_MSEC;
	/* Where the host held a core up, time slices are over before anything was done in them. */
	uint64_t quantum = runtime_set_quantum(0);

	do {
		late = woken = 0;
		base = time_now() + lead;
		lead *= 2;
		waitgroup_add(&all, SLEEPERS);
		for (intptr_t i = 0; i < SLEEPERS; i++)
			go_with(&(struct go_options){.core = 1}, sleep_in_order,
				(void *)(i * 17 % SLEEPERS));
		waitgroup_wait(&all);
	} while (late);
	runtime_set_quantum(quantum);
	for (int i = 0; i < SLEEPERS; i++)
		expect_eq(wake_order[i], i);
	verdict("sleepers wake in the order of their times");
}

/* ---- Many ---- */

static _Atomic int early;

static void one_of_many(void *arg)
{
	uint64_t deadline = base + (uintptr_t)arg;

	time_sleep_until(deadline);
	if (time_now() < deadline)
		early++;
	woken++;
	waitgroup_done(&all);
}

static void test_many(void)
{
	uint32_t random = 4711;
	int many = 10000;

	woken = 0;
	base = time_now() + 300 * NSEC_PER_MSEC;
	waitgroup_add(&all, many);
	for (int i = 0; i < many; i++) {
		uintptr_t after = test_random(&random) % NSEC_PER_SEC;
		expect_eq(go(one_of_many, (void *)after), 0);
	}
	waitgroup_wait(&all);
	expect_eq(woken, many);
	expect_eq(early, 0);
	verdict("10,000 sleepers wake, none too early");
}

/* ---- Deadlines beside sleeps: many armed and taken back ---- */

static struct sema tokens;

static void arm_and_cancel(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < amount(200); i++) {
		uint64_t far = test_random(&random) % (100 * NSEC_PER_SEC) + NSEC_PER_SEC * 1000;
		expect_eq(sema_acquire_until(&tokens, time_now() + far), 0);
		if (i % 16 == 0)
			time_sleep(50 * NSEC_PER_USEC);
		sema_release(&tokens);
	}
	waitgroup_done(&all);
}

static void test_cancel(void)
{
	sema_init(&tokens, 3);
	waitgroup_add(&all, 30);
	for (uintptr_t i = 1; i <= 30; i++)
		go(arm_and_cancel, (void *)(i * 991));
	waitgroup_wait(&all);
	verdict("deadlines that are not needed any more do no harm");
}

static void wait_till_the_end_of_time(void *before)
{
	expect_eq(sema_acquire_until(&tokens, UINT64_MAX - (uintptr_t)before), 0);
	waitgroup_done(&all);
}

/* The last deadlines there are, which may lie in the middle of the timer's last tick. When main
 * sleeps, the timer is armed for each of them as soon as nothing is sooner. */
static void test_last_deadlines(void)
{
	enum { WAIT = 40 };
	size_t others = parked();

	sema_init(&tokens, 0);
	waitgroup_add(&all, WAIT);
	for (uintptr_t i = 0; i < WAIT; i++) {
		go(wait_till_the_end_of_time, (void *)i);
		time_sleep(100 * NSEC_PER_USEC);
	}
	until_parked(others + WAIT);
	time_sleep(NSEC_PER_MSEC);
	expect_eq(parked(), others + WAIT);
	for (int i = 0; i < WAIT; i++)
		sema_release(&tokens);
	waitgroup_wait(&all);
	verdict("the last deadlines that there are do not come");
}

/* ---- The C library's sleeps ---- */

static _Atomic bool slept;
static _Atomic unsigned ticks;

static void tick(void *arg)
{
	(void)arg;
	while (!slept) {
		time_sleep(100 * NSEC_PER_USEC);
		ticks++;
	}
	waitgroup_done(&all);
}

static void by_usleep(void)
{
	expect_eq(usleep(5000), 0);
}

static void by_nanosleep(void)
{
	struct timespec ts = {.tv_nsec = 5000000}, never = {.tv_nsec = -1};

	expect_eq(nanosleep(&ts, NULL), 0);
	expect_eq(nanosleep(&never, NULL), -1);
	expect_eq(errno, EINVAL);
}

static void by_clock_nanosleep(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 5000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	expect_eq(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
}

static void by_sleep(void)
{
	expect_eq(sleep(1), 0);
}

/* A sleep that kept the core would let the other coroutine of it have one turn, at its end. */
static bool others_run(void (*sleeps)(void))
{
	enum { TRIES = 100, TURNS = 4 };

	for (int i = 0; i < TRIES; i++) {
		unsigned before = ticks;

		sleeps();
		if (ticks - before >= TURNS)
			return true;
	}
	return false;
}

static void test_library(void)
{
	/* Both on one core: where that stands still, so does who counts the tries. */
	go_pin(0);
	waitgroup_add(&all, 1);
	expect_eq(go_with(&(struct go_options){.core = 1}, tick, NULL), 0);
	expect(others_run(by_usleep));
	expect(others_run(by_nanosleep));
	expect(others_run(by_clock_nanosleep));
	if (test_smp == 1) /* it takes a second */
		expect(others_run(by_sleep));
	slept = true;
	waitgroup_wait(&all);
	go_pin(-1);
	verdict("usleep, nanosleep, clock_nanosleep and sleep leave the core to others");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 10);
	test_clock();
	test_sleep();
	test_library();
	test_order();
	test_many();
	test_cancel();
	test_last_deadlines();
	test_for_ever();
	return test_end();
}
