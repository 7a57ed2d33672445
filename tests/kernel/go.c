/* Coroutines: start, name, number, yield, pin, priority, deferred calls. */
#include "test.h"

static struct waitgroup all;

static void nothing(void *arg)
{
	(void)arg;
}

/* ---- Errors ---- */

static void test_errors(void)
{
	char byte = 1;
	struct go_options opt = {0};

	expect_eq(go(NULL, NULL), -EINVAL);
	expect_eq(go_copy(NULL, &byte, 1), -EINVAL);
	expect_eq(go_with(&opt, NULL, NULL), -EINVAL);
	expect_eq(go_with(NULL, NULL, NULL), -EINVAL);
	expect_eq(go_defer(NULL, NULL), -EINVAL);
	opt.core = -1;
	expect_eq(go_with(&opt, nothing, NULL), -EINVAL);
	opt.core = runtime_cores() + 1;
	expect_eq(go_with(&opt, nothing, NULL), -EINVAL);
	opt = (struct go_options){.priority = 2};
	expect_eq(go_with(&opt, nothing, NULL), -EINVAL);
	opt.priority = -1;
	expect_eq(go_with(&opt, nothing, NULL), -EINVAL);
	opt = (struct go_options){.stack = SIZE_MAX};
	expect(go_with(&opt, nothing, NULL) < 0);
	expect_eq(runtime_count(), 1);
	verdict("bad arguments give -EINVAL and start nothing");

	expect_eq(go_with(NULL, nothing, NULL), 0);
	until_alone();
	verdict("no options are fine");
}

/* ---- Numbers and names ---- */

enum { BATCH = 500, BATCHES = 6 };
static uint64_t ids[BATCH * BATCHES];

static void record_id(void *arg)
{
	*(uint64_t *)arg = go_id();
	waitgroup_done(&all);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void test_ids(void)
{
	expect_eq(go_id(), 1);
	for (int b = 0; b < BATCHES; b++) {
		waitgroup_add(&all, BATCH);
		for (int i = 0; i < BATCH; i++)
			expect_eq(go(record_id, &ids[b * BATCH + i]), 0);
		waitgroup_wait(&all);
	}
	qsort(ids, BATCH * BATCHES, sizeof ids[0], compare_ids);
	expect(ids[0] > 1);
	for (int i = 1; i < BATCH * BATCHES; i++)
		expect(ids[i] != ids[i - 1]);
	verdict("main is 1, no number is used twice");
}

static char seen_name[64];

__attribute__((noinline)) static void look_at_name(void *arg)
{
	(void)arg;
	strncpy(seen_name, go_name(), sizeof seen_name - 1);
	waitgroup_done(&all);
}

static const char *name_given(const char *name)
{
	char copy[64];

	waitgroup_add(&all, 1);
	if (name)
		strcpy(copy, name);
	expect_eq(go_with(&(struct go_options){.name = name ? copy : NULL}, look_at_name, NULL), 0);
	memset(copy, '?', sizeof copy - 1);
	waitgroup_wait(&all);
	return seen_name;
}

static void test_names(void)
{
	check(strcmp(go_name(), "main") == 0, "main is called main");
	expect(strcmp(name_given("reader"), "reader") == 0);
	expect(strcmp(name_given("0123456789012345678901234567890"),
		      "0123456789012345678901234567890") == 0);
	expect(strcmp(name_given("0123456789012345678901234567890X"),
		      "0123456789012345678901234567890") == 0);
	expect(strcmp(name_given("01234567890123456789012345678901234567890123456789"),
		      "0123456789012345678901234567890") == 0);
	verdict("a name is copied, and 31 bytes of it are kept");
	check(strcmp(name_given(NULL), "look_at_name") == 0, "without a name it is the function's");
}

/* ---- Copied arguments ---- */

static unsigned char sent[16 * 1024];
static size_t copy_size;

static void check_copy(void *arg)
{
	const unsigned char *bytes = arg;

	expect_eq((uintptr_t)arg % 16, 0);
	for (size_t i = 0; i < copy_size; i++)
		if (bytes[i] != (unsigned char)(i * 7 + copy_size)) {
			expect_eq(bytes[i], (unsigned char)(i * 7 + copy_size));
			break;
		}
	waitgroup_done(&all);
}

static void test_copy(void)
{
	static const size_t sizes[] = {0,        1,    7,    8,    15,   16,   17,
				       100,      1000, 4095, 4096, 4097, 8192, 16 * 1024 - 1,
				       16 * 1024};

	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		copy_size = sizes[s];
		for (size_t i = 0; i < copy_size; i++)
			sent[i] = (unsigned char)(i * 7 + copy_size);
		waitgroup_add(&all, 1);
		expect_eq(go_copy(check_copy, sent, copy_size), 0);
		memset(sent, 0xee, sizeof sent);
		waitgroup_wait(&all);
	}
	verdict("go_copy hands over a copy of 0 bytes to 16 KB, aligned to 16");
	expect_eq(go_copy(nothing, sent, 16 * 1024 + 1), -E2BIG);
	expect_eq(go_copy(nothing, sent, SIZE_MAX), -E2BIG);
	verdict("go_copy of more is -E2BIG");
}

/* ---- Deferred calls ---- */

static char trace[64];
static _Atomic size_t traced; /* who takes turns on a core is ordered by nothing */

static void trace_anew(void)
{
	memset(trace, 0, sizeof trace);
	traced = 0;
}

static void note(void *arg)
{
	trace[traced++] = *(const char *)arg;
}

static void note_and_exit(void *arg)
{
	note(arg);
	go_exit();
}

static void note_sleep_defer(void *arg)
{
	note(arg);
	time_sleep(NSEC_PER_MSEC);
	go_defer(note, "n");
}

static void done(void *arg)
{
	waitgroup_done(arg);
}

static void leave(void)
{
	go_exit();
}

static void ends_by_return(void *arg)
{
	(void)arg;
	go_defer(done, &all);
	go_defer(note, "1");
	go_defer(note, "2");
	go_defer(note, "3");
	note(".");
}

static void ends_by_exit(void *arg)
{
	(void)arg;
	go_defer(done, &all);
	go_defer(note, "1");
	go_defer(note_and_exit, "e");
	go_defer(note, "2");
	leave();
	note("!");
}

static void defers_in_deferred(void *arg)
{
	(void)arg;
	go_defer(done, &all);
	go_defer(note, "1");
	go_defer(note_sleep_defer, "s");
}

static const char *trace_of(go_fn *fn)
{
	trace_anew();
	waitgroup_add(&all, 1);
	expect_eq(go(fn, NULL), 0);
	waitgroup_wait(&all);
	return trace;
}

static int deferred_sum;

static void add_one(void *arg)
{
	expect_eq((intptr_t)arg, 999 - deferred_sum);
	deferred_sum++;
}

static void many_deferred(void *arg)
{
	(void)arg;
	go_defer(done, &all);
	for (intptr_t i = 0; i < 1000; i++)
		expect_eq(go_defer(add_one, (void *)i), 0);
}

static void test_defer(void)
{
	check(strcmp(trace_of(ends_by_return), ".321") == 0, "deferred calls run last first");
	check(strcmp(trace_of(ends_by_exit), "2e1") == 0,
	      "go_exit in a deferred call runs the rest");
	check(strcmp(trace_of(defers_in_deferred), "sn1") == 0,
	      "a deferred call may wait and defer");
	trace_of(many_deferred);
	expect_eq(deferred_sum, 1000);
	verdict("a thousand deferred calls");
}

/* ---- Yield and pin ---- */

enum { ROUNDS = 50, RING = 3 };
static int turns[ROUNDS * RING];
static _Atomic int turn_count; /* a yield orders nothing */

static void take_turns(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		turns[turn_count++] = (int)(intptr_t)arg;
		go_yield();
	}
	waitgroup_done(&all);
}

static void test_yield(void)
{
	uint64_t old = runtime_set_quantum(0);

	go_pin(0);
	waitgroup_add(&all, RING);
	for (intptr_t i = 0; i < RING; i++)
		go_with(&(struct go_options){.core = 1}, take_turns, (void *)i);
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	go_pin(-1);
	expect_eq(turn_count, ROUNDS * RING);
	for (int i = RING; i < ROUNDS * RING; i++)
		expect_eq(turns[i], turns[i - RING]);
	verdict("go_yield goes to the back: three on one core take turns");
}

static void stay(void *arg)
{
	int core = (int)(intptr_t)arg;

	for (int i = 0; i < 20; i++) {
		expect_eq(runtime_core(), core);
		if (i % 5 == 0)
			time_sleep(100 * NSEC_PER_USEC);
		else
			go_yield();
	}
	waitgroup_done(&all);
}

static void test_pin(void)
{
	expect_eq(go_pin(runtime_cores()), -EINVAL);
	expect_eq(go_pin(-2), -EINVAL);
	expect_eq(go_pin(-1), 0);
	verdict("go_pin refuses a core that is not there");

	for (int round = 0; round < 20; round++)
		for (int core = 0; core < runtime_cores(); core++) {
			expect_eq(go_pin(core), 0);
			expect_eq(runtime_core(), core);
			go_yield();
			expect_eq(runtime_core(), core);
		}
	expect_eq(go_pin(-1), 0);
	verdict("go_pin moves the caller at once");

	for (int core = 0; core < runtime_cores(); core++)
		for (int i = 0; i < 5; i++) {
			waitgroup_add(&all, 1);
			go_with(&(struct go_options){.core = 1 + core}, stay,
				(void *)(intptr_t)core);
		}
	waitgroup_wait(&all);
	verdict("go_with starts a coroutine on its core, where it stays");
}

/* ---- Urgent ---- */

static void note_done(void *arg)
{
	note(arg);
	waitgroup_done(&all);
}

static _Atomic bool urgent_ran;

static void wake_soon(void *arg)
{
	(void)arg;
	time_sleep(5 * NSEC_PER_MSEC);
	urgent_ran = true;
	waitgroup_done(&all);
}

static void hog_until_urgent(void *arg)
{
	uint64_t start = time_now();

	(void)arg;
	while (!urgent_ran && patience(start))
		;
	expect(urgent_ran);
	waitgroup_done(&all);
}

static void test_urgent(void)
{
	struct go_options normal = {.core = 1}, urgent = {.core = 1, .priority = 1};
	uint64_t old = runtime_set_quantum(0);

	go_pin(0);
	trace_anew();
	waitgroup_add(&all, 4);
	for (int i = 0; i < 3; i++)
		go_with(&normal, note_done, "n");
	go_with(&urgent, note_done, "u");
	waitgroup_wait(&all);
	check(strcmp(trace, "unnn") == 0, "an urgent coroutine is picked before normal ones");

	runtime_set_quantum(3600 * NSEC_PER_SEC);
	waitgroup_add(&all, 2);
	go_with(&urgent, wake_soon, NULL);
	go_with(&normal, hog_until_urgent, NULL);
	waitgroup_wait(&all);
	verdict("an urgent coroutine that wakes preempts a normal one");
	runtime_set_quantum(old);
	go_pin(-1);
}

/* ---- Many ---- */

static _Atomic int started;

static void count_start(void *arg)
{
	(void)arg;
	started++;
	waitgroup_done(&all);
}

/* Who yields goes behind all who were there before, also when they do not fit in one queue. Without time
 * slices: those that have used up theirs come one at each yield. */
static void test_behind(void)
{
	int many = 2000, yields = 0;
	uint64_t old = runtime_set_quantum(0);

	runtime_procs(1);
	until_procs_known();
	started = 0;
	waitgroup_add(&all, many);
	for (int i = 0; i < many; i++)
		go(count_start, NULL);
	while (started < many && yields < 1000) {
		go_yield();
		yields++;
	}
	check(yields <= 20, "two thousand run before one who yields is back for the 20th time");
	waitgroup_wait(&all);
	runtime_procs(runtime_cores());
	runtime_set_quantum(old);
}

static struct sema gate;

static void wait_at_gate(void *arg)
{
	(void)arg;
	sema_acquire(&gate);
	sema_release(&gate);
	waitgroup_done(&all);
}

static void test_many(void)
{
	int many = amount(5000);

	until_alone();
	waitgroup_add(&all, many);
	for (int i = 0; i < many; i++)
		expect_eq(go(wait_at_gate, NULL), 0);
	expect_eq(runtime_count(), many + 1);
	until_parked(many);
	sema_release(&gate);
	waitgroup_wait(&all);
	until_alone();
	verdict("many coroutines live at once, and end");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 21);
	test_errors();
	test_ids();
	test_names();
	test_copy();
	test_defer();
	test_yield();
	test_pin();
	test_urgent();
	test_behind();
	test_many();

	expect_eq(go_shield(true), false);
	expect_eq(go_shield(false), true);
	expect_eq(go_shield(false), false);
	verdict("go_shield returns the old value");
	return test_end();
}
