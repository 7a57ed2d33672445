/* Reader-writer mutex, condition, once: every rule. (Misuse: tests/golden.) */
#include "test.h"

static struct waitgroup all;

/* ---- rwmutex ---- */

static struct rwmutex rw;
static _Atomic int readers, writers, most_readers, violations;
static volatile int guarded;
static char trace[64];
static _Atomic bool go_on;

static void note(const char *what)
{
	strcat(trace, what); /* by who holds rw for writing, or alone */
}

static void try_both(void *arg)
{
	bool *got = arg;

	got[0] = rwmutex_try_rlock(&rw);
	if (got[0])
		rwmutex_runlock(&rw);
	got[1] = rwmutex_try_lock(&rw);
	if (got[1])
		rwmutex_unlock(&rw);
	waitgroup_done(&all);
}

/* What another coroutine could have. */
static void expect_free(bool read, bool write)
{
	bool got[2];

	waitgroup_add(&all, 1);
	go(try_both, got);
	waitgroup_wait(&all);
	expect_eq(got[0], read);
	expect_eq(got[1], write);
}

static void write_lock(void *arg)
{
	rwmutex_lock(&rw);
	note(arg);
	rwmutex_unlock(&rw);
	waitgroup_done(&all);
}

static void read_lock(void *arg)
{
	rwmutex_rlock(&rw);
	readers++;
	while (!go_on)
		go_yield();
	readers--;
	rwmutex_runlock(&rw);
	waitgroup_done(&all);
}

static void test_try(void)
{
	expect_free(true, true);
	rwmutex_rlock(&rw);
	expect_free(true, false);
	expect(rwmutex_try_rlock(&rw));
	expect(!rwmutex_try_lock(&rw));
	rwmutex_runlock(&rw);
	expect_free(true, false);
	rwmutex_runlock(&rw);
	expect_free(true, true);
	rwmutex_lock(&rw);
	expect_free(false, false);
	expect(!rwmutex_try_lock(&rw));
	expect(!rwmutex_try_rlock(&rw));
	rwmutex_unlock(&rw);
	expect(rwmutex_try_lock(&rw));
	expect_free(false, false);
	rwmutex_unlock(&rw);
	expect_free(true, true);
	verdict("rwmutex: readers together, a writer alone, try_ says so");
}

static void test_readers(void)
{
	uint64_t start = time_now();

	go_on = false;
	waitgroup_add(&all, 20);
	for (int i = 0; i < 20; i++)
		go(read_lock, NULL);
	while (readers < 20 && patience(start))
		go_yield();
	expect_eq(readers, 20);
	go_on = true;
	waitgroup_wait(&all);
	verdict("twenty readers hold it at once");
}

static void test_writer_first(void)
{
	trace[0] = '\0';
	go_on = false;
	rwmutex_rlock(&rw);
	waitgroup_add(&all, 5);
	go(write_lock, "w");
	until_parked(1);
	expect(!rwmutex_try_rlock(&rw));
	for (int i = 0; i < 3; i++)
		go(read_lock, NULL);
	until_parked(4);
	go(write_lock, "v");
	until_parked(5);
	expect_eq(readers, 0);
	go_on = true;
	rwmutex_runlock(&rw);
	waitgroup_wait(&all);
	check(strcmp(trace, "wv") == 0,
	      "a writer that waits goes before new readers; writers in order");
	verdict("it stops new readers, try_ too");

	/* Behind a writer that unlocks, readers that wait come before the next writer does. */
	trace[0] = '\0';
	go_on = false;
	rwmutex_lock(&rw);
	waitgroup_add(&all, 4);
	for (int i = 0; i < 3; i++)
		go(read_lock, NULL);
	until_parked(3);
	go(write_lock, "w");
	until_parked(4);
	rwmutex_unlock(&rw);
	uint64_t start = time_now();
	while (readers < 3 && patience(start))
		go_yield();
	expect_eq(readers, 3);
	expect(trace[0] == '\0');
	go_on = true;
	waitgroup_wait(&all);
	expect(strcmp(trace, "w") == 0);
	verdict("and readers that wait are not starved by writers");
}

/* After Go's HammerRWMutex. */
static void hammer_read(void *arg)
{
	for (int i = 0; i < amount(600); i++) {
		if (i % 5)
			rwmutex_rlock(&rw);
		else
			while (!rwmutex_try_rlock(&rw))
				go_yield();
		int now = ++readers, seen = guarded;
		violations += writers != 0;
		if (now > most_readers)
			most_readers = now;
		if (i % 16 == 0)
			go_yield();
		violations += guarded != seen;
		readers--;
		rwmutex_runlock(&rw);
	}
	waitgroup_done(&all);
}

static void hammer_write(void *arg)
{
	for (int i = 0; i < amount(300); i++) {
		if (i % 5)
			rwmutex_lock(&rw);
		else
			while (!rwmutex_try_lock(&rw))
				go_yield();
		violations += ++writers != 1 || readers != 0;
		guarded = guarded + 1;
		if (i % 16 == 0)
			go_yield();
		writers--;
		rwmutex_unlock(&rw);
	}
	waitgroup_done(&all);
}

static void test_hammer(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	guarded = 0;
	waitgroup_add(&all, 13);
	for (int i = 0; i < 10; i++)
		go(hammer_read, NULL);
	for (int i = 0; i < 3; i++)
		go(hammer_write, NULL);
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	expect_eq(violations, 0);
	expect_eq(guarded, 3 * amount(300));
	expect_free(true, true);
	verdict("readers and writers in all ways at once");
}

/* ---- cond ---- */

static struct mutex lock;
static struct cond cond;
static int items, woken;
static _Atomic int waiting;

static void consume(void *arg)
{
	mutex_lock(&lock);
	waiting++;
	expect_eq(cond_wait(&cond, &lock), 0);
	woken++;
	strcat(trace, arg);
	expect(!mutex_try_lock(&lock));
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void start_consumers(int n)
{
	static char *names[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

	int before = waiting;

	trace[0] = '\0';
	woken = 0;
	waitgroup_add(&all, n);
	for (int i = 0; i < n; i++) {
		uint64_t start = time_now();

		go(consume, names[i]);
		until_parked(
			(size_t)i +
			1); /* but perhaps for the mutex, which it gives back in the queue only */
		for (bool in = false; !in && patience(start); go_yield()) {
			mutex_lock(&lock);
			in = waiting == before + i + 1;
			mutex_unlock(&lock);
		}
	}
}

static void test_cond(void)
{
	uint64_t deadline;

	cond_signal(&cond); /* nobody waits: forgotten */
	cond_broadcast(&cond);
	mutex_lock(&lock);
	expect_eq(cond_wait_until(&cond, &lock, 0), -ETIMEDOUT);
	expect(!mutex_try_lock(&lock));
	deadline = time_now() + 2 * NSEC_PER_MSEC;
	expect_eq(cond_wait_until(&cond, &lock, deadline), -ETIMEDOUT);
	expect(time_now() >= deadline);
	mutex_unlock(&lock);
	verdict("a signal that nobody waits for is forgotten; cond_wait_until keeps its deadline");

	start_consumers(8);
	for (int i = 1; i <= 8; i++) {
		mutex_lock(&lock);
		expect_eq(woken, i - 1);
		cond_signal(&cond);
		mutex_unlock(&lock);
		uint64_t start = time_now();
		for (bool done = false; !done && patience(start); go_yield()) {
			mutex_lock(&lock);
			done = woken == i;
			mutex_unlock(&lock);
		}
		expect_eq(parked(), 8 - i);
	}
	waitgroup_wait(&all);
	check(strcmp(trace, "01234567") == 0, "a signal wakes one, in their order");

	start_consumers(8);
	cond_broadcast(&cond); /* without the mutex: that is allowed */
	waitgroup_wait(&all);
	expect_eq(woken, 8);
	verdict("a broadcast wakes all, each with the mutex; nobody wakes unsignalled");

	/* Signalled with the mutex held: who waits runs when it is free. */
	start_consumers(2);
	mutex_lock(&lock);
	cond_signal(&cond);
	cond_signal(&cond);
	cond_signal(&cond);
	for (int i = 0; i < 20; i++)
		go_yield();
	expect_eq(woken, 0);
	mutex_unlock(&lock);
	waitgroup_wait(&all);
	expect_eq(woken, 2);
	verdict("who is signalled waits for the mutex");
}

/* A queue with two conditions; deadlines here and there. Each item is taken once. */
enum { ROOM = 3 };
static struct cond not_full, not_empty;
static int taken, put;

static void produce_items(void *arg)
{
	for (int i = 0; i < amount(300); i++) {
		mutex_lock(&lock);
		while (items == ROOM)
			if (i & 1)
				cond_wait(&not_full, &lock);
			else
				cond_wait_until(&not_full, &lock, time_now() + 50 * NSEC_PER_USEC);
		items++;
		put++;
		cond_signal(&not_empty);
		mutex_unlock(&lock);
	}
	waitgroup_done(&all);
}

static void take_items(void *arg)
{
	for (int i = 0; i < amount(300); i++) {
		mutex_lock(&lock);
		while (items == 0)
			if (i % 3)
				cond_wait(&not_empty, &lock);
			else
				cond_wait_until(&not_empty, &lock, time_now() + 20 * NSEC_PER_USEC);
		items--;
		taken++;
		violations += items < 0 || items > ROOM;
		if (i & 1)
			cond_signal(&not_full);
		else
			cond_broadcast(&not_full);
		mutex_unlock(&lock);
	}
	waitgroup_done(&all);
}

static void test_queue(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	violations = 0;
	waitgroup_add(&all, 8);
	for (int i = 0; i < 4; i++) {
		go(produce_items, NULL);
		go(take_items, NULL);
	}
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	expect_eq(items, 0);
	expect_eq(put, taken);
	expect_eq(violations, 0);
	verdict("a queue of mutex and conditions, with deadlines");
}

/* ---- once ---- */

static struct once once;
static _Atomic int began, ended;

static void slowly(void *arg)
{
	began++;
	time_sleep(2 * NSEC_PER_MSEC);
	*(int *)arg += 1;
	ended++;
}

static void do_once(void *arg)
{
	once_do(&once, slowly, arg);
	violations += ended != 1;
	waitgroup_done(&all);
}

static void test_once(void)
{
	int count = 0;

	violations = 0;
	waitgroup_add(&all, 50);
	for (int i = 0; i < 50; i++)
		go(do_once, &count);
	waitgroup_wait(&all);
	once_do(&once, slowly, &count);
	expect_eq(count, 1);
	expect_eq(began, 1);
	expect_eq(violations, 0);
	verdict("once: one call runs, all return after it has ended");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 13);
	test_try();
	test_readers();
	test_writer_first();
	test_hammer();
	test_cond();
	test_queue();
	test_once();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
