/*
 * Cancellation at any moment, and deadlines with it: what a call says is what has happened. A
 * semaphore loses no unit, a pool runs what was submitted and nothing else, a generator's next
 * value is there for who comes next, a post is not swallowed, a condition's signal is not lost.
 */
#include "test.h"

enum { MEMBERS = 6, UNITS = 3 };

static struct waitgroup all;
static uint32_t chance = 2463534242u;

/* Runs fn in groups that are cancelled, or time out, soon. */
static void harass(int (*fn)(void *arg), int rounds)
{
	for (int round = 0; round < rounds; round++) {
		struct group g;
		group_init(&g, round % 3
				       ? TIME_NEVER
				       : time_now() + test_random(&chance) % (300 * NSEC_PER_USEC));
		for (intptr_t i = 0; i < MEMBERS; i++)
			group_go(&g, fn, (void *)i);
		time_sleep(test_random(&chance) % (300 * NSEC_PER_USEC));
		group_cancel(&g, -EINTR);
		expect(group_wait(&g) < 0);
		memset(&g, 0xdb, sizeof g);
	}
}

static bool goes_on(int result)
{
	expect(result == 0 || result == -ECANCELED || result == -ETIMEDOUT);
	return result != -ECANCELED;
}

static uint64_t soon(uint32_t *random)
{
	return time_now() + test_random(random) % (30 * NSEC_PER_USEC);
}

/* ---- Semaphore ---- */

static struct sema sema;
static _Atomic int inside, most_inside, count;

static int use_unit(void *arg)
{
	uint32_t random = (uint32_t)go_id() | 1;
	int result, now;

	do {
		result = test_random(&random) & 1 ? sema_acquire(&sema)
						  : sema_acquire_until(&sema, soon(&random));
		if (result == 0) {
			now = ++inside;
			if (now > most_inside)
				most_inside = now;
			if (test_random(&random) % 4 == 0)
				go_yield();
			inside--;
			count++;
			sema_release(&sema);
		}
	} while (goes_on(result));
	return 0;
}

static void test_sema(void)
{
	sema_init(&sema, UNITS);
	most_inside = 0;
	harass(use_unit, amount(60));
	for (int i = 0; i < UNITS; i++)
		expect_eq(sema_try_acquire(&sema), 0);
	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	expect(most_inside <= UNITS);
	verdict("a semaphore loses no unit and gives none twice");
}

/* ---- Pool ---- */

static struct pool *pool;
static _Atomic int submitted, ran;

static void task(void *arg)
{
	ran++;
}

static int submit(void *arg)
{
	int result;

	while (goes_on(result = pool_submit(pool, task, NULL)))
		submitted++;
	return 0;
}

static void test_pool(void)
{
	pool = pool_make(2, 2);
	harass(submit, amount(60));
	pool_free(pool);
	expect_eq(ran, submitted);
	printf("# %d tasks\n", (int)ran);
	verdict("a pool runs exactly what it took");
}

/* ---- Generator: one after the other asks ---- */

static struct gen *gen;
static struct mutex turn;
static int expected;

static void count_up(struct gen *g, void *arg)
{
	uint32_t random = 77;

	for (int i = 0;; i++) {
		if (i % 3 == 0)
			time_sleep(test_random(&random) % (20 * NSEC_PER_USEC));
		if (gen_yield(g, &i))
			return;
	}
}

static int ask(void *arg)
{
	int result, value;

	do {
		mutex_lock(&turn);
		result = gen_next(gen, &value);
		if (result == 0)
			expect_eq(value, expected++);
		mutex_unlock(&turn);
	} while (goes_on(result));
	return 0;
}

static void test_gen(void)
{
	gen = gen_make(count_up, NULL, sizeof(int));
	expected = 0;
	harass(ask, amount(60));
	gen_free(gen);
	printf("# %d values\n", expected);
	verdict("a generator's values come in order, none is lost");
}

/* ---- Event: every post is answered, or still there ---- */

static struct event event, answer;
static _Atomic bool stop;
static _Atomic int taken, posted;

static void post_and_wait(void *arg)
{
	while (!stop) {
		posted++;
		event_post(&event);
		expect_eq(event_wait(&answer), 0);
	}
	waitgroup_done(&all);
}

static int take_post(void *arg)
{
	uint32_t random = (uint32_t)go_id() | 1;
	int result;

	if (arg) /* one waiter at a time */
		return 0;
	do {
		result = test_random(&random) & 1 ? event_wait(&event)
						  : event_wait_until(&event, soon(&random));
		if (result == 0) {
			taken++;
			event_post(&answer);
		}
	} while (goes_on(result));
	return 0;
}

static void test_event(void)
{
	stop = false;
	waitgroup_add(&all, 1);
	go(post_and_wait, NULL);
	harass(take_post, amount(60));
	/* The one post that may be left. */
	stop = true;
	if (taken < posted) {
		expect_eq(event_wait_until(&event, time_now() + 20 * NSEC_PER_SEC), 0);
		taken++;
	}
	event_post(&answer);
	waitgroup_wait(&all);
	while (event_wait_until(&event, 0) == 0)
		taken++;
	expect(taken == posted);
	printf("# %d posts\n", (int)posted);
	verdict("an event's post is taken once");
}

/* ---- Condition: tokens under a mutex, one signal each ---- */

static struct mutex lock;
static struct cond cond;
static int tokens, made, used, missed;

static void make_tokens(void *arg)
{
	while (!stop) {
		mutex_lock(&lock);
		if (tokens < 3) {
			tokens++;
			made++;
			cond_signal(&cond);
		}
		mutex_unlock(&lock);
		go_yield();
	}
	waitgroup_done(&all);
}

static int use_tokens(void *arg)
{
	uint32_t random = (uint32_t)go_id() | 1;
	int result = 0;

	mutex_lock(&lock);
	do {
		if (tokens == 0)
			result = test_random(&random) & 1
					 ? cond_wait(&cond, &lock)
					 : cond_wait_until(&cond, &lock, soon(&random));
		else
			result = 0;
		if (result == 0 && tokens > 0) {
			tokens--;
			used++;
		} else if (result == 0) {
			missed++; /* another was faster: that is how conditions are */
		}
		if (test_random(&random) % 8 == 0 && goes_on(result)) {
			mutex_unlock(&lock);
			result = time_sleep(1);
			mutex_lock(&lock);
		}
	} while (goes_on(result));
	mutex_unlock(&lock);
	return 0;
}

static void test_cond(void)
{
	stop = false;
	waitgroup_add(&all, 1);
	go(make_tokens, NULL);
	harass(use_tokens, amount(60));
	stop = true;
	waitgroup_wait(&all);
	expect_eq(made, used + tokens);
	verdict("a cancelled cond_wait holds its mutex");
}

/* ---- Waitgroups and futures whose end comes at that moment ---- */

static struct waitgroup group;
static struct future future;

static void finish(void *arg)
{
	waitgroup_done(&group);
}

static void *give(void *arg)
{
	return arg;
}

static int wait_for_both(void *arg)
{
	uint32_t random = (uint32_t)go_id() | 1;
	int result;

	do {
		result = test_random(&random) & 1 ? waitgroup_wait(&group)
						  : waitgroup_wait_until(&group, soon(&random));
		if (goes_on(result)) {
			void *value = NULL;
			result = test_random(&random) & 1
					 ? future_await(&future, &value)
					 : future_await_until(&future, &value, soon(&random));
			expect(result != 0 || value == &future);
			expect(result == 0 || value == NULL);
			count++;
		}
	} while (goes_on(result) && count < 50);
	return 0;
}

static void test_ends(void)
{
	for (int i = 0; i < amount(40); i++) {
		count = 0;
		waitgroup_add(&group, 1);
		future_start(&future, give, &future);
		go(finish, NULL);
		struct group g;
		group_init(&g, TIME_NEVER);
		for (intptr_t k = 0; k < MEMBERS; k++)
			group_go(&g, wait_for_both, NULL);
		spin_ns(test_random(&chance) % (100 * NSEC_PER_USEC));
		group_cancel(&g, -EINTR);
		expect_eq(group_wait(&g), -EINTR);
		expect_eq(future_await(&future, NULL), 0);
		expect_eq(waitgroup_wait(&group), 0);
	}
	verdict("waitgroup and future: an end, a deadline and a cancellation at once");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 7);
	runtime_set_quantum(100 * NSEC_PER_USEC);
	test_sema();
	test_pool();
	test_gen();
	test_event();
	test_cond();
	test_ends();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
