/* Generators: order, end, freeing early, bodies that block, generators in generators. */
#include "test.h"

static struct waitgroup all;
static _Atomic int ended, canceled;

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

static void note_end(void *arg)
{
	ended++;
}

static void count(struct gen *g, void *arg)
{
	go_defer(note_end, NULL);
	for (int i = 0; i < (int)(intptr_t)arg; i++)
		if (gen_yield(g, &i)) {
			canceled++;
			return;
		}
}

static void test_order(void)
{
	struct gen *g;
	int value;

	errno = 0;
	expect(gen_make(NULL, NULL, 4) == NULL && errno == EINVAL);
	gen_free(NULL);
	for (int n = 0; n < 5; n++) {
		ended = canceled = 0;
		g = gen_make(count, (void *)(intptr_t)n, sizeof(int));
		expect(g != NULL);
		expect_eq(ended, 0);
		for (int i = 0; i < n; i++) {
			expect_eq(gen_next(g, &value), 0);
			expect_eq(value, i);
		}
		expect_eq(ended, 0);
		for (int i = 0; i < 3; i++) {
			value = 77;
			expect_eq(gen_next(g, &value), -EPIPE);
			expect_eq(value, 77);
		}
		expect_eq(ended, 1);
		gen_free(g);
		expect_eq(canceled, 0);
	}
	verdict("a generator gives its values in order, then -EPIPE");

	g = gen_make(count, (void *)5, sizeof(int));
	expect_eq(gen_next(g, NULL), 0);
	expect_eq(gen_next(g, &value), 0);
	expect_eq(value, 1);
	gen_free(g);
	g = gen_make(count, (void *)3, 0);
	for (int i = 0; i < 3; i++)
		expect_eq(gen_next(g, NULL), 0);
	expect_eq(gen_next(g, NULL), -EPIPE);
	gen_free(g);
	verdict("a value may be dropped, and have no size");
}

static void test_many(void)
{
	struct gen *g = gen_make(count, (void *)(intptr_t)amount(100000), sizeof(int));
	int value, wrong = 0;

	for (int i = 0; i < amount(100000); i++)
		wrong += gen_next(g, &value) != 0 || value != i;
	expect_eq(wrong, 0);
	expect_eq(gen_next(g, &value), -EPIPE);
	gen_free(g);
	verdict("%d values", amount(100000));
}

/* ---- Freed early ---- */

static void yield_stubbornly(struct gen *g, void *arg)
{
	int i = 0;

	go_defer(note_end, NULL);
	while (gen_yield(g, &i) == 0)
		i++;
	for (int again = 0; again < 3; again++)
		canceled += gen_yield(g, &i) == -ECANCELED;
	time_sleep(2 * NSEC_PER_MSEC); /* cleans up: gen_free waits */
	canceled++;
}

static void exit_in_body(struct gen *g, void *arg)
{
	int one = 1;

	go_defer(note_end, NULL);
	gen_yield(g, &one);
	go_exit();
}

static void test_free(void)
{
	size_t before = heap_bytes();
	struct gen *g;
	int value;

	ended = canceled = 0;
	g = gen_make(count, (void *)10, sizeof(int));
	gen_free(g); /* never began, so nothing of it runs */
	expect_eq(ended, 0);
	g = gen_make(count, (void *)10, sizeof(int));
	gen_next(g, &value);
	gen_free(g);
	expect_eq(canceled, 1);
	expect_eq(ended, 1);
	verdict("gen_free of one that has not ended: gen_yield says -ECANCELED");

	ended = canceled = 0;
	g = gen_make(yield_stubbornly, NULL, sizeof(int));
	gen_next(g, &value);
	gen_next(g, &value);
	gen_free(g);
	expect_eq(canceled, 4);
	expect_eq(ended, 1);
	verdict("and gen_free waits for the end");

	ended = 0;
	g = gen_make(exit_in_body, NULL, sizeof(int));
	expect_eq(gen_next(g, &value), 0);
	expect_eq(gen_next(g, &value), -EPIPE);
	expect_eq(ended, 1);
	gen_free(g);
	for (int i = 0; i < amount(300); i++) {
		g = gen_make(count, (void *)3, sizeof(int));
		for (int n = 0; n < i % 5; n++)
			gen_next(g, &value);
		gen_free(g);
	}
	until_alone();
	expect_eq(heap_bytes(), before);
	verdict("go_exit ends a body; nothing stays allocated");
}

/* ---- Bodies that block ---- */

static struct chan *source;

static void relay(struct gen *g, void *arg)
{
	int value;

	while (chan_recv(source, &value) == 0) {
		time_sleep((uint64_t)(value % 3) * 20 * NSEC_PER_USEC);
		if (value % 7 == 0)
			go_yield();
		value *= 2;
		if (gen_yield(g, &value))
			break;
	}
}

static void feed(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++)
		chan_send(source, &i);
	chan_close(source);
}

static void test_blocking(void)
{
	struct gen *g;
	int value;

	source = chan_of(int, 1);
	go(feed, (void *)200);
	g = gen_make(relay, NULL, sizeof(int));
	for (int i = 0; i < 200; i++) {
		expect_eq(gen_next(g, &value), 0);
		expect_eq(value, 2 * i);
	}
	expect_eq(gen_next(g, &value), -EPIPE);
	gen_free(g);
	chan_free(source);
	verdict("a body blocks on channels and sleeps");
}

/* ---- Trees: generators in generators ---- */

struct tree {
	struct tree *left, *right;
	int value;
};

static struct tree *insert(struct tree *t, struct tree *leaf)
{
	if (t && leaf->value < t->value)
		t->left = insert(t->left, leaf);
	else if (t)
		t->right = insert(t->right, leaf);
	return t ? t : leaf;
}

static void walk(struct gen *g, void *arg)
{
	const struct tree *t = arg;
	struct gen *below;
	int value;

	if (!t)
		return;
	for (int side = 0; side < 2; side++) {
		below = gen_make(walk, side ? t->right : t->left, sizeof(int));
		while (gen_next(below, &value) == 0)
			if (gen_yield(g, &value))
				break;
		gen_free(below);
		if (side == 0 && gen_yield(g, &t->value))
			break;
	}
	ended++;
}

enum { LEAVES = 60 };

static bool same_fringe(struct tree *a, struct tree *b)
{
	struct gen *ga = gen_make(walk, a, sizeof(int)), *gb = gen_make(walk, b, sizeof(int));
	int x = 0, y = 0, ra, rb;

	do {
		ra = gen_next(ga, &x);
		rb = gen_next(gb, &y);
	} while (ra == 0 && rb == 0 && x == y);
	gen_free(ga);
	gen_free(gb);
	return ra == rb && x == y;
}

static void test_fringe(void)
{
	static struct tree one[LEAVES], two[LEAVES];
	struct tree *a = NULL, *b = NULL;

	for (int i = 0; i < LEAVES; i++) {
		one[i].value = i * 37 % LEAVES;
		two[i].value = i * 23 % LEAVES;
		a = insert(a, &one[i]);
		b = insert(b, &two[i]);
	}
	expect(same_fringe(a, b));
	two[10].value += 1000;
	expect(!same_fringe(a, b));
	until_alone();
	verdict("generators in generators; freed with theirs in the middle");
}

/* ---- Used by one coroutine after another, on any core ---- */

static struct gen *shared;
static struct mutex lock;
static volatile int expected;

static void take_turns(void *arg)
{
	int value;

	for (int i = 0; i < amount(300); i++) {
		mutex_lock(&lock);
		expect_eq(gen_next(shared, &value), 0);
		expect_eq(value, expected);
		expected++;
		mutex_unlock(&lock);
		if (i % 8 == 0)
			go_pin(i / 8 % runtime_cores());
	}
	waitgroup_done(&all);
}

static void count_spinning(struct gen *g, void *arg)
{
	for (int i = 0;; i++) {
		if (i % 32 == 0)
			spin_ns(200 * NSEC_PER_USEC);
		if (gen_yield(g, &i))
			return;
	}
}

static void test_by_turns(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	shared = gen_make(count_spinning, NULL, sizeof(int));
	waitgroup_add(&all, 4);
	for (int i = 0; i < 4; i++)
		go(take_turns, NULL);
	waitgroup_wait(&all);
	gen_free(shared);
	runtime_set_quantum(old);
	verdict("several coroutines use one generator in turn");
}

/* On the caller's core, unless the body blocks. */
static void say_core(struct gen *g, void *arg)
{
	for (int core;;) {
		core = runtime_core();
		if (gen_yield(g, &core))
			return;
	}
}

static void test_core(void)
{
	struct gen *g = gen_make(say_core, NULL, sizeof(int));
	uint64_t old = runtime_set_quantum(0);
	int core;

	for (int i = 0; i < 50; i++) {
		go_pin(i % runtime_cores());
		expect_eq(gen_next(g, &core), 0);
		expect_eq(core, i % runtime_cores());
	}
	go_pin(-1);
	gen_free(g);
	runtime_set_quantum(old);
	verdict("it runs on its caller's core");
}

/* ---- In groups ---- */

static int member(void *arg)
{
	struct gen *g = gen_make(relay, NULL, sizeof(int));
	int value, result;

	result = gen_next(g, &value); /* its body waits for the source */
	expect_eq(result, -ECANCELED);
	gen_free(g);
	ended++;
	return 0;
}

static int with_deadline(void *arg)
{
	struct gen *g = gen_make(count, (void *)(intptr_t)INT32_MAX, sizeof(int));
	int value, result, n = 0;

	while ((result = gen_next(g, &value)) == 0)
		expect_eq(value, n++);
	expect_eq(result, -ECANCELED);
	gen_free(g);
	return 0;
}

static void test_group(void)
{
	struct group g;

	ended = 0;
	source = chan_of(int, 0);
	group_init(&g, TIME_NEVER);
	for (int i = 0; i < 4; i++)
		group_go(&g, member, NULL);
	until_parked(8);
	group_cancel(&g, -EINTR);
	expect_eq(group_wait(&g), -EINTR);
	expect_eq(ended, 4);
	chan_free(source);
	verdict("a body is cancelled with its caller's group");

	group_init(&g, time_now() + 2 * NSEC_PER_MSEC);
	group_go(&g, with_deadline, NULL);
	group_go(&g, with_deadline, NULL);
	expect_eq(group_wait(&g), -ETIMEDOUT);
	verdict("a group's deadline ends a loop over a generator");
}

/* ---- Without preemption ---- */

static void endless(struct gen *g, void *arg)
{
	(void)arg;
	for (int i = 0; gen_yield(g, &i) == 0; i++)
		;
}

static void sets(void *arg)
{
	*(_Atomic bool *)arg = true;
}

static void test_lets_in(void)
{
	static _Atomic bool third_ran;
	struct gen *g = gen_make(endless, NULL, sizeof(int));
	uint64_t quantum = runtime_set_quantum(0), give_up = time_now() + 30 * NSEC_PER_SEC;
	int i;

	expect_eq(go(sets, (void *)&third_ran), 0);
	while (!third_ran && time_now() < give_up)
		gen_next(g, &i);
	expect(third_ran);
	gen_free(g);
	runtime_set_quantum(quantum);
	verdict("a generator and its caller do not keep others out, without preemption either");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 14);
	test_order();
	test_many();
	test_free();
	test_blocking();
	test_fringe();
	test_by_turns();
	test_core();
	test_group();
	test_lets_in();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
