/* Futures and pools of workers. */
#include "test.h"

static struct waitgroup all;
static struct sema gate;
static _Atomic int ran, inside, most_inside;
static _Atomic int settled; /* of those inside: most_inside has it */

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

/* ---- Futures ---- */

static struct future future;

static void *double_it(void *arg)
{
	return (void *)(2 * (intptr_t)arg);
}

static void *when_open(void *arg)
{
	sema_acquire(&gate);
	ran++;
	return arg;
}

static void *just_exit(void *arg)
{
	ran++;
	go_exit();
}

static void await(void *arg)
{
	void *result = NULL;

	expect_eq(future_await(&future, &result), 0);
	expect_eq((intptr_t)result, 42);
	ran++;
	waitgroup_done(&all);
}

static intptr_t fibonacci(intptr_t n);

static void *fibonacci_co(void *n)
{
	return (void *)fibonacci((intptr_t)n);
}

static intptr_t fibonacci(intptr_t n)
{
	struct future left;
	void *result;

	if (n < 2)
		return n;
	expect_eq(future_start(&left, fibonacci_co, (void *)(n - 1)), 0);
	intptr_t right = fibonacci(n - 2);
	expect_eq(future_await(&left, &result), 0);
	memset(&left, 0xdb, sizeof left);
	return right + (intptr_t)result;
}

static void test_future(void)
{
	void *result = NULL;
	uint64_t deadline;

	expect_eq(future_start(&future, NULL, NULL), -EINVAL);
	expect_eq(future_start(&future, double_it, (void *)21), 0);
	expect_eq(future_await(&future, &result), 0);
	expect_eq((intptr_t)result, 42);
	expect_eq(future_await(&future, NULL), 0);
	result = NULL;
	expect_eq(future_await_until(&future, &result, 0), 0); /* done: at once */
	expect_eq((intptr_t)result, 42);
	verdict("a future is awaited as often as one likes");

	ran = 0;
	result = (void *)7;
	expect_eq(future_start(&future, when_open, (void *)42), 0);
	expect_eq(future_await_until(&future, &result, 0), -ETIMEDOUT);
	deadline = time_now() + 2 * NSEC_PER_MSEC;
	expect_eq(future_await_until(&future, &result, deadline), -ETIMEDOUT);
	expect(time_now() >= deadline);
	expect_eq((intptr_t)result, 7);
	waitgroup_add(&all, 10);
	for (int i = 0; i < 10; i++)
		go(await, NULL);
	until_parked(11);
	expect_eq(ran, 0);
	sema_release(&gate);
	waitgroup_wait(&all);
	expect_eq(ran, 11);
	expect_eq(future_await_until(&future, &result, TIME_NEVER), 0);
	expect_eq((intptr_t)result, 42);
	verdict("several wait for it; a deadline changes nothing");

	expect_eq(future_start(&future, just_exit, NULL), 0);
	expect_eq(future_await(&future, &result), 0);
	verdict("go_exit ends a future too");

	check(fibonacci(15) == 610, "futures within futures");
}

/* ---- Pools ---- */

static struct pool *pool;
static _Atomic bool go_on;

static void task(void *arg)
{
	int now = ++inside, most = most_inside;

	while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
		;
	if ((intptr_t)arg % 7 == 0)
		time_sleep(20 * NSEC_PER_USEC);
	else if ((intptr_t)arg % 3 == 0)
		go_yield();
	inside--;
	ran++;
	if ((intptr_t)arg % 11 == 0)
		go_exit();
}

static void hold(void *arg)
{
	int now = ++inside, most = most_inside;

	while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
		;
	settled++;
	sema_acquire(&gate);
	settled--;
	inside--;
	ran++;
}

static void open_gate(int n)
{
	while (n--)
		sema_release(&gate);
}

static void until_inside(int n)
{
	uint64_t start = time_now();

	/* Once: what others do may change it again. */
	while (settled != n) {
		if (!patience(start)) {
			expect_eq(settled, n);
			return;
		}
		go_yield();
	}
}

static void reset(void)
{
	ran = inside = settled = most_inside = 0;
}

static void test_bad_arguments(void)
{
	errno = 0;
	expect(pool_make(0, 1) == NULL && errno == EINVAL);
	errno = 0;
	expect(pool_make(-1, 1) == NULL && errno == EINVAL);
	errno = 0;
	expect(pool_make(1, -1) == NULL && errno == EINVAL);
	pool = pool_make(1, 0);
	expect(pool != NULL);
	expect_eq(pool_submit(pool, NULL, NULL), -EINVAL);
	expect_eq(pool_try_submit(pool, NULL, NULL), -EINVAL);
	expect_eq(pool_submit(NULL, hold, NULL), -EINVAL);
	expect_eq(pool_try_submit(NULL, hold, NULL), -EINVAL);
	expect_eq(pool_resize(NULL, 1), -EINVAL);
	expect_eq(pool_resize(pool, -1), -EINVAL);
	pool_free(pool);
	pool_free(NULL);
	verdict("pools: bad arguments");
}

static void submit_one(void *arg)
{
	expect_eq(pool_submit(pool, hold, NULL), 0);
	waitgroup_done(&all);
}

static void test_limits(void)
{
	reset();
	pool = pool_make(3, 2);
	for (int i = 0; i < 5; i++)
		expect_eq(pool_try_submit(pool, hold, NULL), 0);
	expect_eq(pool_try_submit(pool, hold, NULL), -EAGAIN);
	until_inside(3);
	waitgroup_add(&all, 2);
	go(submit_one, NULL);
	go(submit_one, NULL);
	until_parked(5);
	expect_eq(all.count, 2); /* both wait */
	open_gate(1);
	uint64_t start = time_now();
	while ((ran < 1 || parked() != 4) && patience(start))
		go_yield();
	expect_eq(ran, 1);
	until_inside(3);
	expect_eq(pool_try_submit(pool, hold, NULL), -EAGAIN);
	open_gate(6);
	waitgroup_wait(&all);
	pool_free(pool);
	expect_eq(ran, 7);
	expect_eq(most_inside, 3);
	until_alone();
	verdict("a pool holds its limits; who submits more waits");

	reset();
	pool = pool_make(2, 0);
	expect_eq(pool_try_submit(pool, hold, NULL), 0);
	expect_eq(pool_submit(pool, hold, NULL), 0);
	expect_eq(pool_try_submit(pool, hold, NULL), -EAGAIN);
	open_gate(2);
	pool_free(pool);
	expect_eq(ran, 2);
	verdict("a pool without backlog");
}

static void test_resize(void)
{
	reset();
	pool = pool_make(1, 20);
	for (int i = 0; i < 12; i++)
		expect_eq(pool_submit(pool, hold, NULL), 0);
	until_inside(1);
	expect_eq(pool_resize(pool, 4), 0);
	until_inside(4);
	expect_eq(pool_resize(pool, 2), 0);
	open_gate(2);
	uint64_t start = time_now();
	while (ran < 2 && patience(start))
		go_yield();
	for (int i = 0; i < 50; i++)
		go_yield();
	expect_eq(inside, 2); /* none has taken the place of those two */
	most_inside = 0;
	open_gate(2);
	start = time_now();
	while (ran < 4 && patience(start))
		go_yield();
	until_inside(2);
	expect_eq(pool_resize(pool, 0), -EINVAL);
	open_gate(20);
	pool_free(pool);
	expect_eq(ran, 12);
	expect(most_inside <= 2);
	until_alone();
	sema_init(&gate, 0);
	verdict("pool_resize: more start at once, fewer as tasks end");
}

static void submit_many(void *arg)
{
	for (intptr_t i = 0; i < amount(150); i++) {
		int result = i % 5 ? pool_submit(pool, task, (void *)i)
				   : pool_try_submit(pool, task, (void *)i);
		if (result == -EAGAIN)
			go_yield(), i--;
		else
			expect_eq(result, 0);
	}
	waitgroup_done(&all);
}

static void resize_often(void *arg)
{
	uint32_t random = 17;

	while (!go_on) {
		pool_resize(pool, 1 + (int)(test_random(&random) % 5));
		time_sleep(50 * NSEC_PER_USEC);
	}
	waitgroup_done(&all);
}

static void test_stress(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	reset();
	pool = pool_make(5, 3);
	waitgroup_add(&all, 6);
	for (int i = 0; i < 6; i++)
		go(submit_many, NULL);
	waitgroup_wait(&all);
	pool_free(pool);
	expect_eq(ran, 6 * amount(150));
	expect(most_inside <= 5);
	verdict("every task runs once, never more at a time than workers");

	reset();
	pool = pool_make(1, 2);
	go_on = false;
	waitgroup_add(&all, 6);
	for (int i = 0; i < 6; i++)
		go(submit_many, NULL);
	waitgroup_wait(&all);
	waitgroup_add(&all, 1);
	go(resize_often, NULL);
	waitgroup_add(&all, 6);
	for (int i = 0; i < 6; i++)
		go(submit_many, NULL);
	while (ran < 12 * amount(150) - 20)
		time_sleep(NSEC_PER_MSEC);
	go_on = true;
	waitgroup_wait(&all);
	pool_free(pool);
	expect_eq(ran, 12 * amount(150));
	expect(most_inside <= 5);
	runtime_set_quantum(old);
	verdict("the same while the number of workers changes");
}

/* pool_free returns when all is done, and the memory is gone then. */
static void test_free(void)
{
	size_t before = heap_bytes();

	for (int i = 0; i < amount(300); i++) {
		reset();
		pool = pool_make(1 + i % 4, i % 3);
		for (intptr_t n = 0; n < i % 8; n++)
			expect_eq(pool_submit(pool, task, (void *)(n + 1)), 0);
		pool_free(pool);
		expect_eq(ran, i % 8);
		/* Whoever still touched the pool would find this. */
		void *same = malloc(128);
		memset(same, 0xdb, 128);
		free(same);
	}
	until_alone();
	expect_eq(heap_bytes(), before);
	verdict("pool_free runs what was submitted, then ends");
}

static void submit_to_itself(void *arg)
{
	intptr_t left = (intptr_t)arg;

	ran++;
	if (left > 0)
		expect_eq(pool_try_submit(pool, submit_to_itself, (void *)(left - 1)), 0);
}

static void test_tasks_submit(void)
{
	reset();
	pool = pool_make(2, 4);
	expect_eq(pool_submit(pool, submit_to_itself, (void *)10), 0);
	uint64_t start = time_now();
	while (ran < 11 && patience(start))
		go_yield();
	pool_free(pool);
	check(ran == 11, "a task submits the next one");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 13);
	test_future();
	test_bad_arguments();
	test_limits();
	test_resize();
	test_stress();
	test_free();
	test_tasks_submit();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
