/* Thread-local variables: every coroutine has its own, from its beginning to its end. */
#include "test.h"

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

/* The sanitizers look at each byte that is copied, which an interrupt steps through. */
enum { LARGE = SANITIZED ? 1000 : 20000, ALIGNED = 256, MANY = 40 };

static int elsewhere = 5;

/* Of all sizes and alignments, with a value and without. */
static _Thread_local volatile int number = 42, none;
static _Thread_local volatile char letter = 'x';
static _Thread_local _Alignas(64) volatile long list[5] = {1, 2, 3, 4, 5};
static _Thread_local int *place = &elsewhere;
static __thread volatile double half = 0.5;
static _Thread_local _Alignas(ALIGNED) volatile char aligned[ALIGNED + 44];
static _Thread_local volatile char large[LARGE];
_Thread_local volatile unsigned visible = 7;
extern _Thread_local volatile unsigned visible;

static void expect_fresh(void)
{
	expect_eq(number, 42);
	expect_eq(none, 0);
	expect_eq(letter, 'x');
	for (int i = 0; i < 5; i++)
		expect_eq(list[i], i + 1);
	expect(place == &elsewhere);
	expect(half == 0.5);
	expect_eq(visible, 7);
	expect_eq((uintptr_t)aligned % ALIGNED, 0);
	expect_eq((uintptr_t)list % 64, 0);
	for (size_t i = 0; i < sizeof aligned; i++)
		expect_eq(aligned[i], 0);
	for (size_t i = 0; i < LARGE; i += 7)
		expect_eq(large[i], 0);
}

static void fill(int value)
{
	number = none = value;
	letter = (char)value;
	half = value;
	visible = (unsigned)value;
	for (int i = 0; i < 5; i++)
		list[i] = value;
	for (size_t i = 0; i < sizeof aligned; i++)
		aligned[i] = (char)value;
	large[0] = large[LARGE - 1] = (char)value;
}

static bool holds(int value)
{
	bool good = number == value && none == value && letter == (char)value && half == value &&
		    visible == (unsigned)value && aligned[0] == (char)value;

	for (int i = 0; i < 5; i++)
		good &= list[i] == value;
	return good && aligned[sizeof aligned - 1] == (char)value && large[0] == (char)value &&
	       large[LARGE - 1] == (char)value;
}

/* ---- Through everything that a coroutine does ---- */

static struct mutex lock;
static struct chan *ring;

static void work(int value)
{
	volatile int *address = &number;
	int token;

	expect_fresh();
	fill(value);
	for (int i = 0; i < amount(6); i++) {
		go_yield();
		for (volatile int j = 0; j < 3000; j++) /* is preempted, and moves */
			;
		mutex_lock(&lock);
		expect(holds(value));
		mutex_unlock(&lock);
		expect_eq(chan_send(ring, &value), 0);
		expect_eq(chan_recv(ring, &token), 0);
		if (i % 6 == 3)
			time_sleep(NSEC_PER_USEC);
		expect(holds(value) && address == &number);
	}
}

static void work_by_value(void *arg)
{
	work((int)(intptr_t)arg);
}

static void work_by_copy(void *arg)
{
	const int *copy = arg;

	work(copy[0]);
	expect_eq(copy[MANY - 1], copy[0]);
}

static void test_own(void)
{
	uint64_t old = runtime_set_quantum((SANITIZED ? 500 : 50) * NSEC_PER_USEC);

	ring = chan_of(int, MANY);
	fill(1);
	for (int i = 0; i < MANY; i++) {
		struct go_options options = {.stack = i % 2 ? 4096 : 1 << 20,
					     .priority = i % 4 == 0};
		int copy[MANY];

		for (int j = 0; j < MANY; j++)
			copy[j] = 1000 + i;
		expect_eq(i % 3 == 0 ? go(work_by_value, (void *)(intptr_t)(1000 + i))
			  : i % 3 == 1
				  ? go_copy(work_by_copy, copy, sizeof copy)
				  : go_with(&options, work_by_value, (void *)(intptr_t)(1000 + i)),
			  0);
	}
	until_alone();
	expect(holds(1));
	chan_free(ring);
	runtime_set_quantum(old);
	verdict("%d coroutines begin with the values, and keep their own", MANY);
}

/* ---- Stacks of known depth ---- */

static void wait_with_own(void *arg)
{
	int value = number++;

	chan_recv((struct chan *)arg, &value);
	if (number != 43 || value != 42)
		visible++;
}

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

/* The last ones of those that have ended may still be about to give theirs back. */
static void until_given_back(size_t before)
{
	uint64_t start = time_now();

	while (heap_bytes() > before && patience(start))
		go_yield();
	expect(heap_bytes() <= before);
}

static size_t heap_at_first;

static void test_exact(void)
{
	struct runtime_stats before, after;
	struct chan *c;
	int value = 42;

	until_given_back(heap_at_first);
	c = chan_of(int, 0);
	runtime_stats(&before);
	for (int i = 0; i < MANY; i++)
		expect_eq(go(wait_with_own, c), 0);
	until_parked(MANY);
	runtime_stats(&after);
	if (!SANITIZED) /* where all stacks grow */
		expect(after.stack_bytes - before.stack_bytes < MANY * 2048);
	expect(after.heap_bytes - before.heap_bytes >= (size_t)MANY * LARGE);
	for (int i = 0; i < MANY; i++)
		expect_eq(chan_send(c, &value), 0);
	until_alone();
	chan_free(c);
	verdict("stacks are as small as without them");
}

/* ---- Who else has some ---- */

static void at_end(void *arg)
{
	expect(holds((int)(intptr_t)arg));
}

static void defer_end(void *arg)
{
	fill((int)(intptr_t)arg);
	go_defer(at_end, arg);
}

static void at_exit(void)
{
	if (!holds(3))
		_Exit(1);
}

static void generate(struct gen *g, void *arg)
{
	int value = (int)(intptr_t)arg;

	expect_fresh();
	fill(value);
	while (gen_yield(g, &value) == 0)
		expect(holds(value));
}

static _Atomic int runs;

static void run_fresh(void *arg)
{
	(void)arg;
	expect_fresh();
	fill(runs++);
}

/* On a core's own stack: its own, each time the same. */
static void run_deferred(void *arg)
{
	volatile int **address = arg;

	if (!*address)
		expect_fresh();
	else
		expect(holds(77) && *address == &number);
	fill(77);
	*address = &number;
	runs++;
}

static void test_others(void)
{
	struct gen *two[2];
	struct timer timer = {0};
	struct irq_work work = {0};
	volatile int *address = NULL;
	uint64_t start;
	int got;

	fill(3);
	atexit(at_exit);
	expect_eq(go(defer_end, (void *)4), 0);
	until_alone();

	for (int i = 0; i < 2; i++)
		two[i] = gen_make(generate, (void *)(intptr_t)(20 + i), sizeof(int));
	for (int i = 0; i < 10; i++)
		expect(gen_next(two[i % 2], &got) == 0 && got == 20 + i % 2 && holds(3));
	gen_free(two[0]);
	gen_free(two[1]);

	timer_start(&timer, time_now(), NSEC_PER_USEC, run_fresh, NULL);
	start = time_now();
	while (runs < 5 && patience(start))
		go_yield();
	timer_stop(&timer);
	until_alone();
	expect(runs >= 5 && holds(3));

	go_pin(0);
	runs = 0;
	for (int i = 0; i < 3; i++) {
		irq_defer(&work, run_deferred, &address); /* as a handler would */
		start = time_now();
		while (runs == i && patience(start))
			go_yield();
	}
	expect(runs == 3 && address != &number && holds(3));
	go_pin(-1);
	verdict("deferred calls, generators, timers, functions of irq_defer");
}

/* ---- Memory ---- */

static void come_and_go(void *arg)
{
	(void)arg;
	fill(9);
}

static void test_given_back(void)
{
	size_t before = heap_bytes();

	for (int i = 0; i < amount(400); i++) {
		struct go_options options = {.name = "named"};

		while (runtime_count() > MANY)
			go_yield();
		expect_eq(i % 2 ? go(come_and_go, NULL) : go_with(&options, come_and_go, NULL), 0);
	}
	until_alone();
	until_given_back(before);
	verdict("they end with their coroutines");
}

/* All memory but a little, as a list. */
static void **take_memory(void)
{
	void **taken = NULL, **block;

	for (size_t size = 1 << 20; size > LARGE; size /= 2)
		while ((block = malloc(size))) {
			*block = taken;
			taken = block;
		}
	return taken;
}

static void test_no_memory(void)
{
	struct chan *c = chan_of(int, 0);
	void **taken = SANITIZED ? NULL : take_memory(); /* whose malloc has the host's */
	int value = 42, started = 0, error = 0;

	while (taken && started < 1000 && !error) {
		error = go(wait_with_own, c);
		started += !error;
	}
	while (taken) {
		void **next = *taken;

		free(taken);
		taken = next;
	}
	if (!SANITIZED)
		expect_eq(error, -ENOMEM);
	for (int i = 0; i < started; i++)
		expect_eq(chan_send(c, &value), 0);
	until_alone();
	chan_free(c);
	expect_eq(go(come_and_go, NULL), 0);
	until_alone();
	verdict("without memory for them there is no coroutine");
}

/* ---- Constructors ---- */

static bool constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = number == 42;
	number = 43;
}

int main(int argc, char **argv)
{
	bool main_sees = constructed && number == 43;

	test_begin(argc, argv, 6);
	check(main_sees, "constructors have those of main");
	heap_at_first = heap_bytes();
	test_own();
	test_exact();
	test_others();
	test_given_back();
	test_no_memory();
	return test_end();
}
