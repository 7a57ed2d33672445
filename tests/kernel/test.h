/*
 * For test programs: a plan, checks and a verdict, in the form that tests/run reads.
 *
 *	int main(int argc, char **argv)
 *	{
 *		test_begin(argc, argv, 2);
 *		check(1 + 1 == 2, "numbers add");
 *		expect(a);                      any number of conditions ...
 *		expect(b);
 *		verdict("several things hold"); ... make one result
 *		return test_end();
 *	}
 *
 * The words smp=N (cores the machine has) and scale=N (times the work) or scale=1/N (a part of it) come from
 * the runner.
 * A result is one printf, so lines of several coroutines do not mix.
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define TEST_UNUSED __attribute__((unused))

/* Where time is simulated, a slice may be over after any step, also that of who wakes or yields beside loops: then all
 * loops go first. */
#ifdef ARCH_EXPLORES
enum { SLICES_LAST = false };
#else
enum { SLICES_LAST = true };
#endif

static int test_plan, test_smp, test_scale = 1, test_part = 1;
static _Atomic int test_results, test_failures, test_bad;

TEST_UNUSED static void test_begin(int argc, char **argv, int plan)
{
	for (int i = 1; i < argc; i++) {
		sscanf(argv[i], "smp=%d", &test_smp);
		sscanf(argv[i], "scale=%d/%d", &test_scale, &test_part);
	}
	test_plan = plan;
	printf("1..%d\n", plan);
}

/* The status for main: 0 when everything planned has passed. */
TEST_UNUSED static int test_end(void)
{
	if (test_results != test_plan)
		printf("# %d results, %d planned\n", (int)test_results, test_plan);
	return test_failures == 0 && test_results == test_plan ? 0 : 1;
}

__attribute__((format(printf, 4, 5), unused)) static void test_result(bool ok, const char *why,
								      int line, const char *fmt,
								      ...)
{
	char name[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	bool shield = go_shield(true); /* a cancelled coroutine could not print */
	test_results++;
	if (ok) {
		printf("ok - %s\n", name);
	} else {
		test_failures++;
		printf("not ok - %s: %s (line %d)\n", name, why, line);
	}
	go_shield(shield);
}

/* One result. */
#define check(cond, ...) test_result((cond), #cond, __LINE__, __VA_ARGS__)

/* Conditions that are gathered until the next verdict; the first ten that fail are shown. */
#define expect(cond) ((cond) ? (void)0 : test_unexpected(#cond, __LINE__, 0))
#define expect_eq(got, want) \
	do { \
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (got_ != want_) \
			test_unexpected(#got " == " #want, __LINE__, got_); \
	} while (0)
#define verdict(...) \
	test_result(atomic_exchange(&test_bad, 0) == 0, "see the lines with #", __LINE__, \
		    __VA_ARGS__)

TEST_UNUSED static void test_unexpected(const char *what, int line, long long got)
{
	bool shield = go_shield(true);

	if (test_bad++ < 10)
		printf("# line %d: expected %s (got %lld)\n", line, what, got);
	go_shield(shield);
}

/* The amount of work: n, more in the long tests, a part of it where there are many runs. */
TEST_UNUSED static int amount(int n)
{
	int scaled = n * test_scale / test_part;

	return scaled > 0 ? scaled : 1;
}

/* For loops that would otherwise not end when the kernel is wrong: true for half a minute, and for a
 * thousand turns of one: where time is simulated, it may pass between two. */
TEST_UNUSED static bool patience(uint64_t since)
{
	static _Atomic uint64_t counted;
	static _Atomic int turns;

	if (counted != since) {
		counted = since;
		turns = 0;
	}
	return ++turns < 1000 || time_now() - since < 30 * NSEC_PER_SEC;
}

/* Not in its caller's frame: stats has a time, which may look like an address to who looks for leaks. */
TEST_UNUSED static __attribute__((noinline)) size_t parked(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.parked;
}

/* Waits until n coroutines wait for something. Not in its caller's frame: it has a time. */
TEST_UNUSED static __attribute__((noinline)) void until_parked(size_t n)
{
	uint64_t start = time_now();

	/* Once: what others do may change it again. */
	while (parked() != n) {
		if (!patience(start)) {
			expect_eq(parked(), n);
			return;
		}
		go_yield();
	}
}

/* Waits until this is the only coroutine. */
TEST_UNUSED static void until_alone(void)
{
	uint64_t start = time_now();
	size_t n;

	/* Not counted again: a timer, as of the network, may start another. */
	while ((n = runtime_count()) != 1 && patience(start))
		go_yield();
	expect_eq(n, 1);
}

static void test_been_there(void *arg)
{
	waitgroup_done(arg);
}

/* By then every core has come to its scheduler, and knows what runtime_procs has said: none is still about to
 * steal what it is not to run any more. */
TEST_UNUSED static void until_procs_known(void)
{
	struct waitgroup cores = {0};

	waitgroup_add(&cores, runtime_cores());
	for (int core = 0; core < runtime_cores(); core++)
		expect_eq(go_with(&(struct go_options){.core = 1 + core}, test_been_there, &cores),
			  0);
	waitgroup_wait(&cores);
}

static void test_sleeper(void *arg)
{
	for (int i = 0; i < 500; i++)
		time_sleep(100 * NSEC_PER_USEC);
	waitgroup_done(arg);
}

/*
 * Somebody sleeps and wakes on each core, many times: who was runnable, or soon would be, has had more
 * than one turn by then. A machine that is slow takes longer for that, and gives as many.
 */
TEST_UNUSED static void test_turns(void)
{
	struct waitgroup sleepers = {0};

	waitgroup_add(&sleepers, runtime_cores());
	for (int core = 0; core < runtime_cores(); core++)
		expect_eq(go_with(&(struct go_options){.core = 1 + core}, test_sleeper, &sleepers),
			  0);
	waitgroup_wait(&sleepers);
}

/*
 * Waits for all of wg, who count their steps. When none of them gets on although every core does, the
 * check called name has failed, and the program ends: they would sleep for ever.
 */
TEST_UNUSED static void test_wait(struct waitgroup *wg, _Atomic unsigned *steps, const char *name)
{
	unsigned before;

	do {
		before = *steps;
		if (waitgroup_wait_until(wg, time_now() + 200 * NSEC_PER_MSEC) == 0)
			return;
		test_turns();
	} while (*steps != before);
	if (waitgroup_wait_until(wg, 0) == 0)
		return;
	runtime_dump();
	test_result(false, "every core gets on, but nobody who is waited for", __LINE__, "%s",
		    name);
	exit(1);
}

TEST_UNUSED static void spin_ns(uint64_t ns)
{
	uint64_t start = time_now();

	while (time_now() - start < ns)
		;
}

/* Numbers that look random; state must not be 0. */
TEST_UNUSED static uint32_t test_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
