/* Mutex, waitgroup, semaphore and event, one rule at a time. (Misuse: tests/golden.) */
#include "test.h"

static struct waitgroup all;

/* ---- Mutex ---- */

static struct mutex lock;
static volatile int guarded; /* by lock; volatile so that each step is a load and a store */

static void count_up(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		if (i % 3 == 0) {
			while (!mutex_try_lock(&lock))
				go_yield();
		} else {
			mutex_lock(&lock);
		}
		guarded = guarded + 1;
		mutex_unlock(&lock);
	}
	waitgroup_done(&all);
}

static void try_elsewhere(void *arg)
{
	*(bool *)arg = mutex_try_lock(&lock);
	if (*(bool *)arg)
		mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void test_mutex(void)
{
	bool locked = true;

	expect(mutex_try_lock(&lock));
	expect(!mutex_try_lock(&lock));
	waitgroup_add(&all, 1);
	go(try_elsewhere, &locked);
	waitgroup_wait(&all);
	expect(!locked);
	mutex_unlock(&lock);
	waitgroup_add(&all, 1);
	go(try_elsewhere, &locked);
	waitgroup_wait(&all);
	expect(locked);
	verdict("mutex_try_lock is false while somebody, also its caller, holds it");

	for (int round = 0; round < 2; round++) {
		uint64_t old = runtime_set_quantum((round ? 20 : 10000) * NSEC_PER_USEC);
		guarded = 0;
		waitgroup_add(&all, 16);
		for (int i = 0; i < 16; i++)
			go(count_up, (void *)(intptr_t)amount(1500));
		waitgroup_wait(&all);
		runtime_set_quantum(old);
		check(guarded == 16 * amount(1500), "a mutex excludes%s",
		      round ? ", quantum 20 us" : "");
	}
}

static char served[16];

static void lock_and_note(void *arg)
{
	mutex_lock(&lock);
	strcat(served, arg);
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

/* The waiters have waited for more than 1 ms when the holder unlocks and locks again at once. */
static void test_mutex_fair(void)
{
	static char *names[] = {"1", "2", "3", "4"};

	served[0] = '\0';
	waitgroup_add(&all, 4);
	mutex_lock(&lock);
	for (int i = 0; i < 4; i++) {
		go(lock_and_note, names[i]);
		until_parked((size_t)i + 1);
	}
	spin_ns(2 * NSEC_PER_MSEC);
	mutex_unlock(&lock);
	mutex_lock(&lock);
	strcat(served, "m");
	mutex_unlock(&lock);
	waitgroup_wait(&all);
	check(served[0] == '1', "who has waited for 1 ms is served next");
	check(strcmp(served, "1234m") == 0, "all of them are, in their order");
}

/* ---- Waitgroup ---- */

static struct waitgroup group;
static _Atomic int woken;

static void wait_for_group(void *arg)
{
	expect_eq(waitgroup_wait(&group), 0);
	expect_eq(guarded, *(int *)arg);
	woken++;
	waitgroup_done(&all);
}

static void increment(void *arg)
{
	(*(_Atomic int *)arg)++;
}

static void test_waitgroup(void)
{
	int want = 7;
	_Atomic int ran = 0;
	uint64_t deadline;

	expect_eq(waitgroup_wait(&group), 0);
	expect_eq(waitgroup_wait_until(&group, 0), 0);
	waitgroup_add(&group, 3);
	expect_eq(waitgroup_wait_until(&group, 0), -ETIMEDOUT);
	deadline = time_now() + 2 * NSEC_PER_MSEC;
	expect_eq(waitgroup_wait_until(&group, deadline), -ETIMEDOUT);
	expect(time_now() >= deadline);
	verdict("waitgroup_wait_until keeps its deadline");

	guarded = 0;
	waitgroup_add(&all, 10);
	for (int i = 0; i < 10; i++)
		go(wait_for_group, &want);
	until_parked(10);
	waitgroup_done(&group);
	waitgroup_add(&group, -1);
	expect_eq(woken, 0);
	expect_eq(parked(), 10);
	guarded = 7;
	waitgroup_done(&group);
	waitgroup_wait(&all);
	expect_eq(woken, 10);
	verdict("the last waitgroup_done wakes everybody, none before");

	expect_eq(waitgroup_go(&group, NULL, NULL), -EINVAL);
	expect_eq(waitgroup_wait_until(&group, 0), 0);
	for (int i = 0; i < 300; i++)
		expect_eq(waitgroup_go(&group, increment, &ran), 0);
	expect_eq(waitgroup_wait(&group), 0);
	expect_eq(ran, 300);
	verdict("waitgroup_go counts what it starts");
}

static void done_only(void *arg)
{
	waitgroup_done(arg);
}

static void test_overwrite_waitgroup(void)
{
	for (int i = 0; i < amount(2000); i++) {
		struct waitgroup brief = {0};
		waitgroup_add(&brief, 2);
		go(done_only, &brief);
		go(done_only, &brief);
		waitgroup_wait(&brief);
		memset(&brief, 0xdb, sizeof brief);
	}
	until_alone();
	verdict("a waitgroup may be overwritten when its wait has returned");
}

/* ---- Semaphore ---- */

static struct sema sema;
static _Atomic int noted;

static void acquire_and_note(void *arg)
{
	expect_eq(sema_acquire(&sema), 0);
	mutex_lock(&lock);
	strcat(served, arg);
	mutex_unlock(&lock);
	noted++;
	waitgroup_done(&all);
}

static _Atomic int inside, most_inside;

static void visit(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		if (i % 4 == 3) {
			while (sema_acquire_until(&sema, time_now() + 20 * NSEC_PER_USEC) != 0)
				;
		} else {
			sema_acquire(&sema);
		}
		int now = ++inside, most = most_inside;
		while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
			;
		if (i % 8 == 0)
			go_yield();
		inside--;
		sema_release(&sema);
	}
	waitgroup_done(&all);
}

static void test_sema(void)
{
	static char *names[] = {"1", "2", "3", "4"};
	uint64_t deadline = time_now() + 2 * NSEC_PER_MSEC;

	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	sema_init(&sema, 2);
	expect_eq(sema_acquire(&sema), 0);
	expect_eq(sema_acquire_until(&sema, 0), 0);
	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	expect_eq(sema_acquire_until(&sema, 0), -ETIMEDOUT);
	expect_eq(sema_acquire_until(&sema, deadline), -ETIMEDOUT);
	expect(time_now() >= deadline);
	sema_release(&sema);
	expect_eq(sema_try_acquire(&sema), 0);
	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	verdict("a semaphore counts, and a deadline is kept");

	served[0] = '\0';
	waitgroup_add(&all, 4);
	for (int i = 0; i < 4; i++) {
		go(acquire_and_note, names[i]);
		until_parked((size_t)i + 1);
	}
	for (int i = 0; i < 4; i++) {
		sema_release(&sema);
		while (noted <= i)
			go_yield();
	}
	waitgroup_wait(&all);
	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	check(strcmp(served, "1234") == 0, "a semaphore serves in order");

	sema_init(&sema, 3);
	waitgroup_add(&all, 12);
	for (int i = 0; i < 12; i++)
		go(visit, (void *)(intptr_t)amount(400));
	waitgroup_wait(&all);
	expect(most_inside >= 1 && most_inside <= 3);
	for (int i = 0; i < 3; i++)
		expect_eq(sema_try_acquire(&sema), 0);
	expect_eq(sema_try_acquire(&sema), -EAGAIN);
	verdict("at most as many as its count are inside, and none is lost");
}

static void release_only(void *arg)
{
	sema_release(arg);
}

static void post_only(void *arg)
{
	event_post(arg);
}

static void unlock_brief(void *arg)
{
	mutex_lock(arg);
	mutex_unlock(arg);
	waitgroup_done(&all);
}

static void test_overwrite(void)
{
	for (int i = 0; i < amount(2000); i++) {
		struct sema s = {0};
		go(release_only, &s);
		sema_acquire(&s);
		memset(&s, 0xdb, sizeof s);
		struct event e = {0};
		go(post_only, &e);
		event_wait(&e);
		memset(&e, 0xdb, sizeof e);
	}
	until_alone();
	verdict("a semaphore and an event may be overwritten when the wait has returned");

	for (int i = 0; i < amount(1000); i++) {
		struct mutex m = {0};
		waitgroup_add(&all, 1);
		go(unlock_brief, &m);
		mutex_lock(&m);
		mutex_unlock(&m);
		waitgroup_wait(&all);
		memset(&m, 0xdb, sizeof m);
	}
	verdict("a mutex may be overwritten when all are through");
}

/* ---- Event ---- */

static struct event event, answer;

static void wait_event(void *arg)
{
	*(int *)arg = event_wait(&event);
	waitgroup_done(&all);
}

static void pong(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		expect_eq(event_wait(&event), 0);
		event_post(&answer);
	}
	waitgroup_done(&all);
}

static void test_event(void)
{
	uint64_t deadline = time_now() + 2 * NSEC_PER_MSEC;
	int status = 1;

	expect_eq(event_wait_until(&event, 0), -ETIMEDOUT);
	expect_eq(event_wait_until(&event, deadline), -ETIMEDOUT);
	expect(time_now() >= deadline);
	event_post(&event);
	event_post(&event);
	event_post(&event);
	expect_eq(event_wait_until(&event, 0), 0);
	expect_eq(event_wait_until(&event, 0), -ETIMEDOUT);
	verdict("posts that nobody waits for are one");

	waitgroup_add(&all, 1);
	go(wait_event, &status);
	/* As soon as it waits; nobody posts. It counts as parked a moment before. */
	while (event_wait_until(&event, 0) == -ETIMEDOUT)
		go_yield();
	expect_eq(event_wait(&event), -EBUSY);
	event_post(&event);
	waitgroup_wait(&all);
	expect_eq(status, 0);
	expect_eq(event_wait_until(&event, 0), -ETIMEDOUT);
	verdict("one waiter at a time: the second gets -EBUSY");

	waitgroup_add(&all, 1);
	go(pong, (void *)(intptr_t)amount(2000));
	for (int i = 0; i < amount(2000); i++) {
		event_post(&event);
		expect_eq(event_wait(&answer), 0);
	}
	waitgroup_wait(&all);
	verdict("two wake each other by events");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 18);
	test_mutex();
	test_mutex_fair();
	test_waitgroup();
	test_overwrite_waitgroup();
	test_sema();
	test_event();
	test_overwrite();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
