/* Cancellation: every call that is cancellable, before it blocks and while it does; those that are not. */
#include <unistd.h>

#include "test.h"

/* What the calls below wait for: none of it comes. */
static struct chan *empty, *full, *ready;
static struct mutex lock;
static struct cond cond;
static struct waitgroup busy;
static struct sema sema;
static struct event event;
static struct future future;
static struct pool *pool;
static struct sema hold;

static int x = 1;

static int do_send(uint64_t d)
{
	return chan_send(full, &x);
}
static int do_send_until(uint64_t d)
{
	return chan_send_until(full, &x, d);
}
static int do_recv(uint64_t d)
{
	int y;
	return chan_recv(empty, &y);
}
static int do_recv_until(uint64_t d)
{
	int y;
	return chan_recv_until(empty, &y, d);
}
static int do_sleep(uint64_t d)
{
	return time_sleep(TIME_NEVER);
}
static int do_sleep_until(uint64_t d)
{
	return time_sleep_until(d);
}
static int do_waitgroup(uint64_t d)
{
	return waitgroup_wait(&busy);
}
static int do_waitgroup_until(uint64_t d)
{
	return waitgroup_wait_until(&busy, d);
}
static int do_sema(uint64_t d)
{
	return sema_acquire(&sema);
}
static int do_sema_until(uint64_t d)
{
	return sema_acquire_until(&sema, d);
}
static int do_event(uint64_t d)
{
	return event_wait(&event);
}
static int do_event_until(uint64_t d)
{
	return event_wait_until(&event, d);
}
static int do_future(uint64_t d)
{
	return future_await(&future, NULL);
}
static int do_future_until(uint64_t d)
{
	return future_await_until(&future, NULL, d);
}

static int selected(uint64_t d, bool forms)
{
	int y = 8, z = 9;
	struct select_case k[3] = {
		{empty, SELECT_RECV, &y, 77},
		{full, SELECT_SEND, &z, 77},
		{NULL, SELECT_RECV, &y, 77},
	};
	int result = forms ? chan_select_until(k, 3, d) : chan_select(k, 3);

	expect(y == 8 && z == 9 && k[0].status == 77 && k[1].status == 77 && k[2].status == 77);
	return result;
}

static int do_select(uint64_t d)
{
	return selected(d, false);
}
static int do_select_until(uint64_t d)
{
	return selected(d, true);
}
static int do_select_none(uint64_t d)
{
	return chan_select(NULL, 0);
}

static int in_cond(uint64_t d, bool forms)
{
	mutex_lock(&lock);

	int result = forms ? cond_wait_until(&cond, &lock, d) : cond_wait(&cond, &lock);

	expect(!mutex_try_lock(&lock));
	mutex_unlock(&lock); /* panics unless it is ours again */
	return result;
}

static int do_cond(uint64_t d)
{
	return in_cond(d, false);
}
static int do_cond_until(uint64_t d)
{
	return in_cond(d, true);
}

static void nothing(void *arg)
{
}

static int do_pool(uint64_t d)
{
	return pool_submit(pool, nothing, NULL);
}

/* Its body is a member too, so it finds out as well. */
static void stuck_body(struct gen *g, void *arg)
{
	int y;

	go_shield(true);
	expect_eq(chan_recv(arg, &y), -EPIPE);
	go_shield(false);
}

static int do_gen(uint64_t d)
{
	struct chan *never_sends = chan_of(int, 0);
	struct gen *g = gen_make(stuck_body, never_sends, sizeof(int));
	int y = 4, result = gen_next(g, &y);

	expect_eq(y, 4);
	chan_close(never_sends);
	gen_free(g);
	chan_free(never_sends);
	return result;
}

static int do_read(uint64_t d)
{
	char c;
	ssize_t got = read(0, &c, 1);

	if (got == 0) { /* where the input has ended it does not wait, but is cancelled too */
		time_sleep(TIME_NEVER);
		got = read(0, &c, 1);
	}
	return got == -1 ? -errno : (int)got;
}

static const struct call {
	const char *name;
	int (*fn)(uint64_t deadline);
} calls[] = {
	{"chan_send", do_send},
	{"chan_send_until", do_send_until},
	{"chan_recv", do_recv},
	{"chan_recv_until", do_recv_until},
	{"chan_select", do_select},
	{"chan_select_until", do_select_until},
	{"chan_select of nothing", do_select_none},
	{"time_sleep", do_sleep},
	{"time_sleep_until", do_sleep_until},
	{"cond_wait", do_cond},
	{"cond_wait_until", do_cond_until},
	{"waitgroup_wait", do_waitgroup},
	{"waitgroup_wait_until", do_waitgroup_until},
	{"sema_acquire", do_sema},
	{"sema_acquire_until", do_sema_until},
	{"event_wait", do_event},
	{"event_wait_until", do_event_until},
	{"future_await", do_future},
	{"future_await_until", do_future_until},
	{"pool_submit", do_pool},
	{"gen_next", do_gen},
	{"read of the console", do_read},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

static _Atomic bool go_on;
static _Atomic int began;

/* Blocks, is cancelled; and then once more, when that is known before. */
static int call_twice(void *arg)
{
	const struct call *call = arg;

	began++;
	expect_eq(call->fn(TIME_NEVER), -ECANCELED);
	expect_eq(call->fn(TIME_NEVER), -ECANCELED);
	expect_eq(call->fn(time_now() + NSEC_PER_MSEC), -ECANCELED);
	expect_eq(call->fn(0), -ECANCELED);
	return 0;
}

static int call_late(void *arg)
{
	const struct call *call = arg;

	began++;
	while (!go_on)
		go_yield();
	expect_eq(call->fn(TIME_NEVER), -ECANCELED);
	return 0;
}

/* Cancelled at any moment: before, while it goes to sleep, after. */
static int call_at_once(void *arg)
{
	const struct call *call = arg;

	began++;
	expect_eq(call->fn(TIME_NEVER), -ECANCELED);
	return 0;
}

static void *held_by_sema(void *arg)
{
	sema_acquire(&hold);
	return arg;
}

static void hold_worker(void *arg)
{
	sema_acquire(&hold);
}

static void test_calls(void)
{
	uint32_t random = 99;

	for (int i = 0; i < CALLS; i++) {
		struct group g;
		size_t already = parked();

		group_init(&g, TIME_NEVER);
		began = 0;
		group_go(&g, call_twice, (void *)(uintptr_t)&calls[i]);
		uint64_t start = time_now();
		while ((began < 1 || parked() <= already) && patience(start))
			go_yield();
		group_cancel(&g, -EINTR);
		expect_eq(group_wait(&g), -EINTR);
		verdict("%s: cancelled while it waits, and before", calls[i].name);

		group_init(&g, TIME_NEVER);
		go_on = false;
		began = 0;
		group_go(&g, call_late, (void *)(uintptr_t)&calls[i]);
		while (began < 1)
			go_yield();
		group_cancel(&g, -EINTR);
		go_on = true;
		expect_eq(group_wait(&g), -EINTR);
		for (int round = 0; round < amount(15); round++) {
			group_init(&g, round & 1 ? TIME_NEVER
						 : time_now() + test_random(&random) %
									(60 * NSEC_PER_USEC));
			group_go(&g, call_at_once, (void *)(uintptr_t)&calls[i]);
			spin_ns(test_random(&random) % (30 * NSEC_PER_USEC));
			group_cancel(&g, -EINTR);
			expect(group_wait(&g) < 0);
		}
		verdict("%s: cancelled at any moment", calls[i].name);
	}
}

/* ---- Not even what could succeed at once; and what is not cancellable ---- */

static struct mutex other;
static struct rwmutex rw;
static struct once once;
static struct chan *one;
static _Atomic int once_ran;

static void count_once(void *arg)
{
	once_ran++;
}

static int in_cancelled(void *arg)
{
	struct select_case k[1] = {{ready, SELECT_RECV, NULL, 77}};
	struct sema s;
	struct waitgroup idle = {0};
	struct event posted = {0};
	struct timer t = {0};
	int y;

	while (time_sleep(NSEC_PER_MSEC) != -ECANCELED)
		;
	sema_init(&s, 2);
	event_post(&posted);
	expect_eq(chan_recv(ready, &y), -ECANCELED);
	expect_eq(chan_send(one, &x), -ECANCELED);
	expect_eq(chan_select(k, 1), -ECANCELED);
	expect_eq(k[0].status, 77);
	expect_eq(sema_acquire(&s), -ECANCELED);
	expect_eq(waitgroup_wait(&idle), -ECANCELED);
	expect_eq(event_wait(&posted), -ECANCELED);
	expect_eq(time_sleep(0), -ECANCELED);
	expect_eq(chan_len(one), 0);
	expect_eq(write(1, "#\n", 2), 2); /* but this is not cancellable */
	verdict("in a cancelled member a call fails even where it could succeed");

	expect_eq(chan_try_send(one, &x), 0);
	expect_eq(chan_try_recv(one, &y), 0);
	expect_eq(chan_try_select(k, 1), 0);
	expect_eq(k[0].status, 0);
	expect_eq(sema_try_acquire(&s), 0);
	expect_eq(pool_try_submit(pool, nothing, NULL), -EAGAIN);
	expect(mutex_try_lock(&other));
	mutex_unlock(&other);
	expect_eq(chan_close(one), 0);
	verdict("try_ calls are not affected");

	uint64_t start = time_now();
	mutex_lock(&lock); /* held by main for a while */
	expect(time_now() >= start);
	mutex_unlock(&lock);
	rwmutex_rlock(&rw);
	rwmutex_runlock(&rw);
	rwmutex_lock(&rw);
	rwmutex_unlock(&rw);
	once_do(&once, count_once, NULL);
	expect_eq(once_ran, 1);
	timer_start(&t, time_now() + 3600 * NSEC_PER_SEC, 0, nothing, NULL);
	expect(timer_stop(&t));
	go_yield();
	verdict("mutex_lock, rwmutex_ and once_do are not cancellable");
	return 0;
}

static void test_not_affected(void)
{
	struct group g;

	ready = chan_of(int, 4);
	one = chan_of(int, 1);
	for (int i = 0; i < 4; i++)
		chan_send(ready, &x);
	mutex_lock(&lock);
	group_init(&g, TIME_NEVER);
	group_go(&g, in_cancelled, NULL);
	group_cancel(&g, -EINTR);
	time_sleep(5 * NSEC_PER_MSEC);
	mutex_unlock(&lock);
	expect_eq(group_wait(&g), -EINTR);
	chan_free(ready);
	chan_free(one);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 2 * CALLS + 4);
	empty = chan_of(int, 0);
	full = chan_of(int, 1);
	chan_send(full, &x);
	waitgroup_add(&busy, 1);
	future_start(&future, held_by_sema, NULL);
	pool = pool_make(1, 1);
	pool_submit(pool, hold_worker, NULL);
	pool_submit(pool, nothing, NULL);
	until_parked(2);
	test_calls();
	test_not_affected();
	expect_eq(chan_len(full), 1);
	sema_release(&hold);
	sema_release(&hold);
	pool_free(pool);
	expect_eq(future_await(&future, NULL), 0);
	chan_free(empty);
	chan_free(full);
	until_alone();
	verdict("what they waited for is whole");
	return test_end();
}
