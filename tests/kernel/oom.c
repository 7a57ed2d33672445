/*
 * Out of memory at any allocation (an image made with BUILD=failing): each scenario runs again and
 * again, the first time with its first allocation failing, then the second, until it gets through.
 * Every call then gives the error that is documented, nothing hangs, and nothing is leaked.
 */
#include "test.h"

long runtime_fail_alloc(long n);

static _Atomic int ran;
static struct waitgroup group_of_all;

static void count(void *arg)
{
	(void)arg;
	ran++;
}

static int count_int(void *arg)
{
	(void)arg;
	ran++;
	return 0;
}

static void *count_ptr(void *arg)
{
	ran++;
	return arg;
}

/* Each returns 0 or what the failing call gave; it leaves nothing behind either way. */

static int try_go(void)
{
	return go(count, NULL);
}

static int try_go_named(void)
{
	return go_with(&(struct go_options){.name = "a name", .stack = 65536}, count, NULL);
}

static int try_defer(void)
{
	return go_defer(count, NULL);
}

static int try_waitgroup(void)
{
	int error = waitgroup_go(&group_of_all, count, NULL);

	waitgroup_wait(&group_of_all);
	return error;
}

static int try_chan(void)
{
	struct chan *c = chan_of(int, 1000);

	if (!c)
		return -errno;
	chan_free(c);
	return 0;
}

static int try_after(void)
{
	struct chan *c = time_after(NSEC_PER_SEC);

	if (!c)
		return -errno;
	chan_free(c);
	return 0;
}

static int try_ticker(void)
{
	struct ticker t;
	int error = ticker_start(&t, NSEC_PER_MSEC);

	if (!error)
		ticker_stop(&t);
	return error;
}

static int try_timer(void)
{
	static struct timer t;
	int before = ran;

	/* Where no coroutine can be had, it is tried again a millisecond later. */
	timer_start(&t, time_now(), 0, count, NULL);
	while (ran == before)
		time_sleep(NSEC_PER_MSEC);
	return 0;
}

static int try_group(void)
{
	struct group g;
	int error;

	group_init(&g, TIME_NEVER);
	error = group_go(&g, count_int, NULL);
	group_wait(&g);
	return error;
}

static int try_future(void)
{
	struct future f;
	int error = future_start(&f, count_ptr, NULL);

	if (!error)
		future_await(&f, NULL);
	return error;
}

static int try_pool(void)
{
	struct pool *p = pool_make(2, 4);
	int error = 0;

	if (!p)
		return -errno;
	for (int i = 0; i < 8 && !error; i++)
		error = pool_submit(p, count, NULL);
	pool_free(p);
	return error;
}

static void three(struct gen *g, void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		if (gen_yield(g, &i))
			return;
}

static int try_gen(void)
{
	struct gen *g = gen_make(three, NULL, sizeof(int));
	int value;

	if (!g)
		return -errno;
	while (!gen_next(g, &value))
		ran++;
	gen_free(g);
	return 0;
}

static int try_select(void)
{
	static struct select_case cases[17];

	return chan_try_select(cases, 17) == -ENOMEM ? -ENOMEM : 0;
}

static int try_malloc(void)
{
	char *p = malloc(100);
	char *q = p ? realloc(p, 5000) : NULL;

	if (!q) {
		free(p);
		return -errno;
	}
	free(q);
	return 0;
}

static size_t quiet_heap(void)
{
	struct runtime_stats stats;

	while (runtime_count() > 1)
		go_yield();
	runtime_stats(&stats);
	return stats.heap_bytes;
}

static void scenario(const char *name, int (*run)(void), bool keeps)
{
	size_t before;
	int failed = 0;
	long n = 0;

	run(); /* what is made once and kept */
	before = quiet_heap();
	for (bool through = false; !through && n < 100;) {
		int result;

		runtime_fail_alloc(++n);
		result = run();
		while (runtime_count() > 1)
			go_yield();
		through = runtime_fail_alloc(0) > 0;
		if (through)
			expect(result == 0);
		else
			expect(result == -ENOMEM || result == 0);
		failed += result == -ENOMEM;
	}
	expect(n < 100);
	expect(n > 1);
	if (!keeps)
		expect(quiet_heap() == before);
	verdict("%s", name);
	printf("# %s: %ld allocations, %d errors\n", name, n - 1, failed);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 14);
	scenario("go", try_go, false);
	scenario("go_with a name and a stack", try_go_named, false);
	scenario("go_defer", try_defer, true);
	scenario("waitgroup_go", try_waitgroup, false);
	scenario("chan_make", try_chan, false);
	scenario("time_after", try_after, false);
	scenario("ticker_start", try_ticker, false);
	scenario("timer_start", try_timer, false);
	scenario("group_go", try_group, false);
	scenario("future_start", try_future, false);
	scenario("pool", try_pool, false);
	scenario("gen_make", try_gen, false);
	scenario("select of 17", try_select, false);
	scenario("malloc", try_malloc, false);
	return test_end();
}
