/* Groups: errors, deadlines, children, shields. (What is cancellable: cancel.c.) */
#include "test.h"

static struct waitgroup all;
static _Atomic int ran, told;

static int give(void *arg)
{
	ran++;
	return (int)(intptr_t)arg;
}

static int give_later(void *arg)
{
	time_sleep(NSEC_PER_MSEC);
	ran++;
	return (int)(intptr_t)arg;
}

/* Sleeps until it is cancelled. */
static int sleep_long(void *arg)
{
	int result = time_sleep(TIME_NEVER);

	told += result == -ECANCELED;
	ran++;
	return arg ? (int)(intptr_t)arg : 0;
}

static void test_errors(void)
{
	struct group g;

	ran = 0;
	group_init(&g, TIME_NEVER);
	expect_eq(group_error(&g), 0);
	expect_eq(group_wait(&g), 0);
	verdict("a group without members is done at once");

	group_init(&g, TIME_NEVER);
	for (intptr_t i = 0; i < 100; i++)
		expect_eq(group_go(&g, i & 1 ? give : give_later, (void *)i), 0);
	expect_eq(group_wait(&g), 0);
	expect_eq(ran, 100);
	expect_eq(group_error(&g), 0);
	expect_eq(group_go(&g, NULL, NULL), -EINVAL);
	expect_eq(group_wait(&g), 0);
	verdict("group_wait waits for all; positive results are no errors");

	ran = told = 0;
	group_init(&g, TIME_NEVER);
	for (int i = 0; i < 20; i++)
		group_go(&g, sleep_long, (void *)(intptr_t)-EDOM);
	until_parked(20);
	expect_eq(group_go(&g, give, (void *)(intptr_t)-EXDEV), 0);
	expect_eq(group_wait(&g), -EXDEV);
	expect_eq(ran, 21);
	expect_eq(told, 20);
	expect_eq(group_error(&g), -EXDEV);
	expect_eq(group_go(&g, give, NULL), -ECANCELED);
	expect_eq(group_wait(&g), -EXDEV);
	expect_eq(ran, 21);
	verdict("the first negative result cancels the rest, and is what remains");

	group_init(&g, TIME_NEVER);
	for (int i = 0; i < 5; i++)
		group_go(&g, sleep_long, NULL);
	group_cancel(&g, -EINTR);
	group_cancel(&g, -EIO);
	expect_eq(group_error(&g), -EINTR);
	expect_eq(group_wait(&g), -EINTR);
	verdict("group_cancel: the first error stays");
}

static int in_group_exit(void *arg)
{
	ran++;
	go_exit();
}

static void deferred_wait(void *arg)
{
	time_sleep(NSEC_PER_MSEC);
	ran++;
}

static int in_group_defer(void *arg)
{
	go_defer(deferred_wait, NULL);
	return 0;
}

static void test_ends(void)
{
	struct group g;

	ran = 0;
	group_init(&g, TIME_NEVER);
	for (int i = 0; i < 10; i++)
		group_go(&g, i & 1 ? in_group_exit : in_group_defer, NULL);
	expect_eq(group_wait(&g), 0);
	expect_eq(ran, 10);
	verdict("a member has ended after go_exit, and after its deferred calls");
}

/* ---- Deadlines ---- */

static void test_deadline(void)
{
	struct group g;
	uint64_t deadline;
	int started = 0;
	bool in_time = false;

	ran = 0;
	group_init(&g, 0);
	expect_eq(group_error(&g), -ETIMEDOUT);
	expect_eq(group_go(&g, give, NULL), -ECANCELED);
	expect_eq(group_wait(&g), -ETIMEDOUT);
	expect_eq(ran, 0);
	verdict("a deadline of 0 has passed");

	/* All are to be there before the time has come: on a machine that stands still meanwhile, a later one is tried. */
	for (uint64_t wait = 40 * NSEC_PER_MSEC; started < 10; wait *= 2) {
		started = told = 0;
		deadline = time_now() + wait;
		group_init(&g, deadline);
		while (started < 10 && !group_go(&g, sleep_long, (void *)(intptr_t)-EIO))
			started++;
		expect(started == 10 || time_now() >= deadline);
		expect_eq(group_wait(&g), -ETIMEDOUT);
		expect(time_now() >= deadline);
		expect_eq(told, started);
	}
	verdict("a deadline cancels with -ETIMEDOUT, not early");

	group_init(&g, time_now() + 3600 * NSEC_PER_SEC);
	expect_eq(group_go(&g, give, NULL), 0);
	expect_eq(group_wait(&g), 0);
	expect_eq(group_error(&g), 0);
	memset(&g, 0xdb, sizeof g);
	time_sleep(NSEC_PER_MSEC);
	for (uint64_t wait = 2 * NSEC_PER_MSEC; !in_time; wait *= 2) {
		deadline = time_now() + wait;
		group_init(&g, deadline);
		group_cancel(&g, -EIO);
		in_time = time_now() < deadline;
		time_sleep_until(deadline + 2 * NSEC_PER_MSEC);
		expect_eq(group_wait(&g), in_time ? -EIO : group_error(&g));
	}
	verdict("a group that is done before its deadline has no error; the first error stays");
}

/* ---- Groups within groups ---- */

struct tree {
	struct group *parent;
	int depth;
};

static int grow(void *arg)
{
	struct tree t = *(struct tree *)arg, below = {NULL, t.depth - 1};
	struct group g;

	ran++;
	if (t.depth == 0) {
		int result = time_sleep(TIME_NEVER);
		told += result == -ECANCELED;
		return result;
	}
	group_init(&g, TIME_NEVER);
	for (int i = 0; i < 3; i++)
		group_go(&g, grow, &below);
	int error = group_wait(&g);
	expect_eq(error, -ECANCELED);
	/* The wait for the members was not cancelled, other waits are. */
	expect_eq(time_sleep(1), -ECANCELED);
	return error;
}

static int fail_inside(void *arg)
{
	struct group inner;

	group_init(&inner, TIME_NEVER);
	group_go(&inner, sleep_long, NULL);
	group_go(&inner, give, (void *)(intptr_t)-ERANGE);
	expect_eq(group_wait(&inner), -ERANGE);
	/* Only the child was cancelled. */
	expect_eq(time_sleep(1), 0);
	return 0;
}

static int late_child(void *arg)
{
	struct group inner;

	while (time_sleep(NSEC_PER_MSEC) != -ECANCELED)
		;
	group_init(&inner, TIME_NEVER);
	expect_eq(group_error(&inner), -ECANCELED);
	expect_eq(group_go(&inner, give, NULL), -ECANCELED);
	expect_eq(group_wait(&inner), -ECANCELED);
	group_init(&inner, 0);
	expect(group_wait(&inner) < 0);
	ran++;
	return 0;
}

static int child_with_deadline(void *arg)
{
	struct group inner;

	group_init(&inner, time_now() + NSEC_PER_MSEC);
	if (group_go(&inner, sleep_long, NULL)) /* late already */
		ran++;
	expect_eq(group_wait(&inner), -ETIMEDOUT);
	expect_eq(time_sleep(1), 0);
	ran++;
	return 0;
}

static void test_nested(void)
{
	struct group g;
	struct tree t = {.depth = 3};

	ran = told = 0;
	group_init(&g, TIME_NEVER);
	group_go(&g, grow, &t);
	until_parked(1 + 3 + 9 + 27);
	expect_eq(ran, 1 + 3 + 9 + 27);
	group_cancel(&g, -EPERM);
	expect_eq(group_wait(&g), -EPERM);
	expect_eq(told, 27);
	verdict("cancelling a group cancels its children and theirs");

	group_init(&g, TIME_NEVER);
	group_go(&g, fail_inside, NULL);
	expect_eq(group_wait(&g), 0);
	ran = 0;
	group_init(&g, TIME_NEVER);
	group_go(&g, late_child, NULL);
	group_go(&g, child_with_deadline, NULL);
	while (ran < 2) /* sleep_long too */
		go_yield();
	group_cancel(&g, -EINTR);
	expect_eq(group_wait(&g), -EINTR);
	expect_eq(ran, 3);
	verdict("a child's error is its own; a child of a cancelled group is born cancelled");
}

/* ---- What is not cancelled ---- */

static void outsider(void *arg)
{
	int result = time_sleep(3 * NSEC_PER_MSEC);

	expect_eq(result, 0);
	ran++;
	waitgroup_done(&all);
}

static int start_outsider(void *arg)
{
	waitgroup_add(&all, 1);
	go(outsider, NULL);
	return 0;
}

static void test_outsiders(void)
{
	struct group g;

	ran = 0;
	group_init(&g, TIME_NEVER);
	group_go(&g, start_outsider, NULL);
	expect_eq(group_wait(&g), 0);
	group_cancel(&g, -EIO);
	waitgroup_wait(&all);
	expect_eq(ran, 1);
	verdict("what a member starts with go is not in its group, and not waited for");
}

static struct chan *gate;
static _Atomic int reached;

static int clean_up(void *arg)
{
	int x = 1;

	expect_eq(chan_recv(gate, &x), -ECANCELED);
	expect_eq(chan_recv(gate, &x), -ECANCELED);
	expect(!go_shield(true));
	expect_eq(time_sleep(100 * NSEC_PER_USEC), 0);
	expect(go_shield(true));
	reached++;
	expect_eq(chan_recv(gate, &x), 0); /* waits, and is not cancelled */
	expect(go_shield(false));
	expect_eq(chan_recv(gate, &x), -ECANCELED);
	expect_eq(time_sleep(0), -ECANCELED);
	expect(!go_shield(false));
	ran++;
	return 0;
}

/* Shielded when the cancellation comes. */
static int shielded(void *arg)
{
	int x;

	go_shield(true);
	reached++;
	expect_eq(chan_recv(gate, &x), 0);
	go_shield(false);
	expect_eq(chan_recv(gate, &x), -ECANCELED);
	ran++;
	return 0;
}

static void test_shield(void)
{
	struct group g;
	int x = 1;

	gate = chan_of(int, 0);
	ran = reached = 0;
	group_init(&g, TIME_NEVER);
	group_go(&g, clean_up, NULL);
	group_go(&g, shielded, NULL);
	until_parked(2);
	group_cancel(&g, -EINTR);
	while (reached < 2)
		go_yield();
	until_parked(2);
	expect_eq(ran, 0);
	expect_eq(chan_send(gate, &x), 0);
	expect_eq(chan_send(gate, &x), 0);
	expect_eq(group_wait(&g), -EINTR);
	expect_eq(ran, 2);
	chan_free(gate);
	verdict("go_shield holds cancellation off");
}

/* ---- Many, from all cores ---- */

static int maybe_fail(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg * 2654435761u | 1;

	for (int i = 0; i < 5; i++) {
		int result = time_sleep(test_random(&random) % (20 * NSEC_PER_USEC));
		if (result)
			return result;
	}
	return test_random(&random) % 20 == 0 ? -EDOM : 0;
}

static int many_groups(void *arg)
{
	for (int i = 0; i < amount(20); i++) {
		struct group g;
		uint64_t now = time_now();
		group_init(&g, i % 3 ? TIME_NEVER : now + 100 * NSEC_PER_USEC);
		for (int m = 0; m < 8; m++)
			group_go(&g, maybe_fail, (void *)(now + (uint64_t)m + 1));
		int error = group_wait(&g);
		expect(error == 0 || error == -EDOM || error == -ETIMEDOUT || error == -ECANCELED);
		expect(error != -ETIMEDOUT || i % 3 == 0);
		memset(&g, 0xdb, sizeof g);
	}
	return 0;
}

static void test_many(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	for (int round = 0; round < 6; round++) {
		struct group g;
		group_init(&g, round & 1 ? time_now() + NSEC_PER_MSEC : TIME_NEVER);
		for (int i = 0; i < 8; i++)
			group_go(&g, many_groups, NULL);
		int error = group_wait(&g);
		expect(error == (round & 1 ? -ETIMEDOUT : 0) || error == 0);
		memset(&g, 0xdb, sizeof g);
	}
	runtime_set_quantum(old);
	until_alone();
	verdict("many groups, deadlines and errors at once");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 13);
	test_errors();
	test_ends();
	test_deadline();
	test_nested();
	test_outsiders();
	test_shield();
	test_many();
	return test_end();
}
