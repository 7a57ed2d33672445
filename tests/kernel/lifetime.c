/*
 * Once a call has been served, it does not touch the object again: whoever finds out that it has
 * been may overwrite or free it, while the other side still is on its way out, on another core.
 * Every object here is poisoned as soon as that is allowed; who touches it later panics, hangs, or
 * finds the poison changed.
 */
#include "test.h"

enum { BLOCK = 512, GRAVES = 64 };

static struct waitgroup all;

/* The last objects, poisoned, in a ring: looked at before their memory is given back. */
static struct grave {
	unsigned char *block;
} graves[GRAVES];
static int grave_next;

static void bury(void *object)
{
	struct grave *g = &graves[grave_next++ % GRAVES];

	if (g->block) {
		for (int i = 0; i < BLOCK; i++)
			if (g->block[i] != 0xdb) {
				test_unexpected("the poison is as it was", i, g->block[i]);
				break;
			}
		free(g->block);
	}
	memset(object, 0xdb, BLOCK);
	g->block = object;
}

static void *fresh(void)
{
	return calloc(1, BLOCK);
}

/* Somewhere else, where there are several cores. */
static void go_elsewhere(go_fn *fn, void *arg)
{
	static int turn;
	int cores = runtime_cores(), core = (runtime_core() + 1 + turn++ % 2) % cores;

	expect_eq(go_with(&(struct go_options){.core = turn % 5 ? 1 + core : 0}, fn, arg), 0);
}

static void wait_a_little(int i)
{
	if (i % 3 == 1)
		spin_ns((uint64_t)(i % 37) * 500);
	else if (i % 3 == 2)
		go_yield();
}

/* ---- Channels: chan_free gives the memory back itself ---- */

static void reuse(size_t size)
{
	void *p = malloc(size);

	memset(p, 0xdb, size);
	free(p);
}

static void send_one(void *arg)
{
	int x = 5;

	expect_eq(chan_send((struct chan *)arg, &x), 0);
}

static void receive_one(void *arg)
{
	int x = 0;

	expect_eq(chan_recv((struct chan *)arg, &x), 0);
	expect_eq(x, 6);
}

static void receive_closed(void *arg)
{
	int x = 7;

	expect_eq(chan_recv((struct chan *)arg, &x), -EPIPE);
	expect_eq(x, 0);
}

static void test_chan(void)
{
	int x;

	for (int i = 0; i < amount(800); i++) {
		struct chan *c = chan_of(int, (size_t)(i & 1));
		go_elsewhere(send_one, c);
		wait_a_little(i);
		expect_eq(chan_recv(c, &x), 0);
		chan_free(c);
		reuse(160);
	}
	verdict("who received the last value frees the channel");

	for (int i = 0; i < amount(800); i++) {
		struct chan *c = chan_of(int, 0);
		x = 6;
		go_elsewhere(receive_one, c);
		wait_a_little(i);
		expect_eq(chan_send(c, &x), 0);
		chan_free(c);
		reuse(160);
	}
	verdict("who handed the last value to a receiver frees the channel");

	for (int i = 0; i < amount(200); i++) {
		struct chan *c = chan_of(int, 0);
		size_t n = parked();
		for (int k = 0; k < 3; k++)
			go_elsewhere(receive_closed, c);
		until_parked(n + 3);
		chan_close(c);
		chan_free(c); /* all three have been served */
		reuse(160);
		until_alone();
	}
	verdict("who closed it and woke the last waiters frees the channel");
}

/* ---- Select: served by one channel, it leaves the others alone, too ---- */

static struct chan *arm[4];

static void select_any(void *arg)
{
	int x = 0, y = 1;
	struct select_case k[6] = {
		{arm[0], SELECT_RECV, &x, 0}, {arm[1], SELECT_RECV, &x, 0},
		{arm[2], SELECT_SEND, &y, 0}, {arm[3], SELECT_RECV, &x, 0},
		{arm[0], SELECT_RECV, &x, 0}, {arm[2], SELECT_SEND, &y, 0},
	};

	expect(chan_select(k, 6) >= 0);
}

static void test_select(void)
{
	int x = 1;

	for (int i = 0; i < amount(800); i++) {
		for (int k = 0; k < 4; k++)
			arm[k] = chan_of(int, 0);
		go_elsewhere(select_any, NULL);
		wait_a_little(i);
		if (i & 1)
			expect_eq(chan_send(arm[0], &x), 0);
		else
			expect_eq(chan_recv(arm[2], &x), 0);
		for (int k = 0; k < 4; k++)
			chan_free(arm[k]);
		reuse(160);
	}
	until_alone();
	verdict("who served a select frees all of its channels");
}

/* ---- What is waited for, then overwritten ---- */

static void done(void *arg)
{
	waitgroup_done(arg);
}
static void release(void *arg)
{
	sema_release(arg);
}
static void post(void *arg)
{
	event_post(arg);
}
static int member(void *arg)
{
	return arg ? -EDOM : 0;
}
static void *value(void *arg)
{
	return arg;
}

static void test_waits(void)
{
	for (int i = 0; i < amount(700); i++) {
		struct waitgroup *wg = fresh();
		waitgroup_add(wg, 1);
		go_elsewhere(done, wg);
		wait_a_little(i);
		expect_eq(waitgroup_wait(wg), 0);
		bury(wg);

		struct sema *s = fresh();
		go_elsewhere(release, s);
		wait_a_little(i / 2);
		expect_eq(sema_acquire(s), 0);
		bury(s);

		struct event *e = fresh();
		go_elsewhere(post, e);
		wait_a_little(i / 3);
		expect_eq(event_wait(e), 0);
		bury(e);
	}
	verdict("waitgroup, semaphore and event");

	for (int i = 0; i < amount(500); i++) {
		struct group *g = fresh();
		group_init(g, i % 4 ? TIME_NEVER : time_now() + 20 * NSEC_PER_USEC);
		for (int n = 0; n < i % 4; n++)
			group_go(g, member, n == 2 ? g : NULL);
		wait_a_little(i);
		int error = group_wait(g);
		expect(error == 0 || error == -EDOM || error == -ETIMEDOUT);
		bury(g);

		struct future *f = fresh();
		void *result;
		future_start(f, value, &all);
		wait_a_little(i / 2);
		expect_eq(future_await(f, &result), 0);
		expect(result == &all);
		bury(f);
	}
	verdict("group and future");
}

/* Gives up by its deadline, about when it is served: then the two have to agree. */
static void test_deadlines(void)
{
	for (int i = 0; i < amount(500); i++) {
		struct event *e = fresh();
		struct sema *s = fresh();
		go_elsewhere(post, e);
		go_elsewhere(release, s);
		uint64_t deadline = time_now() + (uint64_t)(i % 50) * 500;
		while (event_wait_until(e, deadline) != 0)
			deadline = time_now() + 5 * NSEC_PER_USEC;
		bury(e);
		while (sema_acquire_until(s, deadline) != 0)
			deadline = time_now() + 5 * NSEC_PER_USEC;
		bury(s);
	}
	verdict("event and semaphore where the deadline comes at that moment");
}

/* ---- Locks: the last one through overwrites them ---- */

struct shared {
	struct mutex m;
	struct rwmutex rw;
	struct cond cond;
	struct once once;
	int users; /* by m or rw */
	bool flag;
};

_Static_assert(sizeof(struct shared) <= BLOCK, "a block");

static _Atomic(struct shared *) dead;

static void leave_mutex(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->m);
	bool last = --s->users == 0;
	mutex_unlock(&s->m);
	if (last)
		dead = s;
}

static void leave_rw(void *arg)
{
	struct shared *s = arg;

	rwmutex_lock(&s->rw);
	bool last = --s->users == 0;
	rwmutex_unlock(&s->rw);
	if (last)
		dead = s;
}

static void signal_it(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->m);
	s->flag = true;
	if (s->users & 1)
		cond_signal(&s->cond);
	else
		cond_broadcast(&s->cond);
	mutex_unlock(&s->m);
}

static void bury_dead(int i)
{
	struct shared *s;
	uint64_t start = time_now();

	while (!(s = dead) && patience(start))
		wait_a_little(i);
	dead = NULL;
	expect(s != NULL);
	if (s)
		bury(s);
}

static void test_locks(void)
{
	for (int i = 0; i < amount(400); i++) {
		struct shared *s = fresh();
		s->users = 3;
		for (int k = 0; k < 3; k++)
			go_elsewhere(leave_mutex, s);
		bury_dead(i);

		s = fresh();
		s->users = 3;
		for (int k = 0; k < 3; k++)
			go_elsewhere(leave_rw, s);
		bury_dead(i);
	}
	verdict("mutex and rwmutex: the last one through");

	for (int i = 0; i < amount(400); i++) {
		struct shared *s = fresh();
		s->users = i;
		go_elsewhere(signal_it, s);
		wait_a_little(i);
		mutex_lock(&s->m);
		while (!s->flag)
			cond_wait(&s->cond, &s->m);
		mutex_unlock(&s->m);
		bury(s);
	}
	verdict("cond with its mutex");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 10);
	runtime_set_quantum(100 * NSEC_PER_USEC);
	test_chan();
	test_select();
	test_waits();
	test_deadlines();
	test_locks();
	until_alone();
	for (int i = 0; i < GRAVES; i++)
		bury(fresh());
	verdict("nothing has been touched after its end");
	return test_end();
}
