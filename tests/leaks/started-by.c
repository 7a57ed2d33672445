/* All ways to start what leaks; each tells the place. */
// leaks: 1 "by_name" waiting for sema acquire
// leaks: 4 "plain" waiting for sema acquire
// leaks: 2 "last_thing" waiting for sema acquire
// leaks: 1 "by_pointer" waiting for sema acquire
#include <stdlib.h>
#include <vole.h>

static void wait_alone(void)
{
	struct sema sema = {0};

	sema_acquire(&sema);
}

static void plain(void *unused)
{
	(void)unused;
	wait_alone();
}

static void last_thing(void *unused)
{
	(void)unused;
	wait_alone();
}

static __attribute__((noinline)) void jumps(void)
{
	go(last_thing, NULL);
}

/* The last that a coroutine does. */
static void starts(void *unused)
{
	go(last_thing, unused);
}

static void by_pointer(void *unused)
{
	(void)unused;
	wait_alone();
}

static void starts_by_pointer(void)
{
	go(by_pointer, NULL);
}

static void (*const table[])(void) = {starts_by_pointer};

static void calls(void *i)
{
	table[(size_t)i]();
}

int main(void)
{
	static struct timer timer;
	static struct waitgroup wg;
	struct pool *pool = pool_make(1, 1);

	go_with(&(struct go_options){.name = "by_name"}, plain, NULL);
	go_copy(plain, &pool, sizeof pool);
	waitgroup_go(&wg, plain, NULL);
	timer_start(&timer, time_now() + NSEC_PER_MSEC, 0, plain, NULL);
	pool_submit(pool, plain, NULL);
	jumps();
	go(starts, NULL);
	go(calls, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
