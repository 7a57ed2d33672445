/*
 * No wake-up is lost: pairs on different cores wake each other through every kind of wait, while
 * timers fire. One that is lost leaves a pair asleep while every core goes on.
 */
#include "test.h"

static struct waitgroup all;
static _Atomic bool stop;
static _Atomic unsigned steps; /* rounds of all pairs */
static const char nothing_lost[] = "no wake-up is lost";

struct pair {
	struct chan *ping, *pong;
	struct sema a, b;
	struct event x, y;
	int rounds;
	int core_a, core_b; /* as in go_options */
};

/* relaxed: it must not order what the pairs do. */
static void step(void)
{
	atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

/* ---- The kinds of pairs ---- */

static void chan_a(void *arg)
{
	struct pair *p = arg;

	for (int i = 0, got; i < p->rounds; i++) {
		expect_eq(chan_send(p->ping, &i), 0);
		expect_eq(chan_recv(p->pong, &got), 0);
		expect_eq(got, i);
		step();
	}
	waitgroup_done(&all);
}

static void chan_b(void *arg)
{
	struct pair *p = arg;

	for (int i = 0, got; i < p->rounds; i++) {
		expect_eq(chan_recv(p->ping, &got), 0);
		expect_eq(chan_send(p->pong, &got), 0);
	}
	waitgroup_done(&all);
}

static void sema_a(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < p->rounds; i++) {
		sema_release(&p->a);
		expect_eq(sema_acquire(&p->b), 0);
		step();
	}
	waitgroup_done(&all);
}

static void sema_b(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < p->rounds; i++) {
		expect_eq(sema_acquire(&p->a), 0);
		sema_release(&p->b);
	}
	waitgroup_done(&all);
}

static void event_a(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < p->rounds; i++) {
		event_post(&p->x);
		expect_eq(event_wait(&p->y), 0);
		step();
	}
	waitgroup_done(&all);
}

static void event_b(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < p->rounds; i++) {
		expect_eq(event_wait(&p->x), 0);
		event_post(&p->y);
	}
	waitgroup_done(&all);
}

/* Deadlines that race with the wake-up: a wait that times out is done again. */
static void hurry_a(void *arg)
{
	struct pair *p = arg;
	uint32_t random = (uint32_t)(uintptr_t)arg | 1;

	for (int i = 0; i < p->rounds; i++) {
		int status;
		event_post(&p->x);
		do {
			uint64_t wait = test_random(&random) % (40 * NSEC_PER_USEC);
			status = sema_acquire_until(&p->b, time_now() + wait);
			expect(status == 0 || status == -ETIMEDOUT);
		} while (status != 0);
		step();
	}
	waitgroup_done(&all);
}

static void hurry_b(void *arg)
{
	struct pair *p = arg;
	uint32_t random = (uint32_t)(uintptr_t)arg | 3;

	for (int i = 0; i < p->rounds; i++) {
		int status;
		do {
			uint64_t wait = test_random(&random) % (40 * NSEC_PER_USEC);
			status = event_wait_until(&p->x, time_now() + wait);
			expect(status == 0 || status == -ETIMEDOUT);
		} while (status != 0);
		sema_release(&p->b);
	}
	waitgroup_done(&all);
}

/* ---- Interrupts beside them ---- */

static void short_sleeps(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg + 1;

	while (!stop)
		time_sleep(test_random(&random) % (300 * NSEC_PER_USEC));
}

static void start(go_fn *fn, struct pair *p, int core)
{
	waitgroup_add(&all, 1);
	expect_eq(go_with(&(struct go_options){.core = core}, fn, p), 0);
}

enum placement { FREE, NEXT_CORE, SAME_CORE };

/* A few pairs of one kind; rounds: all of them together. */
static void run(const char *kind, go_fn *a, go_fn *b, enum placement where, int rounds)
{
	static const char *const places[] = {"free", "pinned to neighbours", "pinned together"};
	static struct pair pairs[8];
	int cores = runtime_cores(), count = cores < 4 ? 2 : 4;

	for (int i = 0; i < count; i++) {
		struct pair *p = &pairs[i];
		*p = (struct pair){.ping = chan_of(int, 0),
				   .pong = chan_of(int, (size_t)(i % 2)),
				   .rounds = rounds / count};
		if (where != FREE) {
			p->core_a = 1 + i % cores;
			p->core_b = 1 + (i + (where == NEXT_CORE)) % cores;
		}
		start(b, p, p->core_b);
		start(a, p, p->core_a);
	}
	test_wait(&all, &steps, nothing_lost);
	for (int i = 0; i < count; i++) {
		chan_free(pairs[i].ping);
		chan_free(pairs[i].pong);
	}
	verdict("%s, %s", kind, places[where]);
}

/* ---- A crowd on one semaphore, woken one by one from everywhere ---- */

static struct sema crowd;
static _Atomic int admitted;

static void crowd_member(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		expect_eq(sema_acquire(&crowd), 0);
		admitted++;
		step();
	}
	waitgroup_done(&all);
}

static void crowd_waker(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		sema_release(&crowd);
		if (i % 32 == 0)
			time_sleep(10 * NSEC_PER_USEC);
	}
	waitgroup_done(&all);
}

static void test_crowd(void)
{
	enum { MEMBERS = 40, WAKERS = 8 };
	int each = amount(40);

	waitgroup_add(&all, MEMBERS + WAKERS);
	for (int i = 0; i < MEMBERS; i++)
		go(crowd_member, (void *)(intptr_t)each);
	for (int i = 0; i < WAKERS; i++)
		go(crowd_waker, (void *)(intptr_t)(each * MEMBERS / WAKERS));
	test_wait(&all, &steps, nothing_lost);
	expect_eq(admitted, each * MEMBERS);
	verdict("a crowd on one semaphore");
}

int main(int argc, char **argv)
{
	struct waitgroup sleepers = {0};

	test_begin(argc, argv, 15);
	for (int i = 0; i < runtime_cores() * 2; i++)
		waitgroup_go(&sleepers, short_sleeps, NULL);

	for (enum placement where = FREE; where <= SAME_CORE; where++) {
		run("channels", chan_a, chan_b, where, amount(5000));
		run("semaphores", sema_a, sema_b, where, amount(5000));
		run("events", event_a, event_b, where, amount(5000));
		run("deadlines that race", hurry_a, hurry_b, where, amount(1000));
	}
	test_crowd();
	stop = true;
	waitgroup_wait(&sleepers);
	until_alone();
	verdict("everybody has ended");
	verdict(nothing_lost);
	return test_end();
}
