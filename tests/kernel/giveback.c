/*
 * Memory that is free can be had: also what cores keep for later, what go_copy's copies were in, and
 * where a wild pointer has been.
 */
#include "test.h"

static struct waitgroup wg;

/* Blocks of a page, with what malloc adds to them. */
struct link {
	struct link *next;
};

/* All that malloc gives; how many. */
static size_t take_all(struct link **list)
{
	struct link *p;
	size_t n = 0;

	*list = NULL;
	while ((p = malloc(4096 - 64))) {
		p->next = *list;
		*list = p;
		n++;
	}
	return n;
}

static void give_one(struct link **list)
{
	struct link *p = *list;

	*list = p->next;
	free(p);
}

static void give_all(struct link **list)
{
	while (*list)
		give_one(list);
}

/* How many of them malloc gives; they are given back. */
static size_t pages_to_be_had(void)
{
	struct link *list;
	size_t n = take_all(&list);

	give_all(&list);
	return n;
}

/* The same, until there are enough: a core that stands still when the others are asked for what they keep is
 * not waited for. */
static size_t pages_at_least(size_t enough)
{
	uint64_t start = time_now();
	size_t n;

	while ((n = pages_to_be_had()) < enough && patience(start))
		time_sleep(20 * NSEC_PER_MSEC);
	return n;
}

/* The largest block, to a sixteenth. */
static size_t largest_to_be_had(size_t most)
{
	for (size_t size = most; size > most / 16; size -= most / 16) {
		void *p = malloc(size);

		if (p) {
			free(p);
			return size;
		}
	}
	return 0;
}

/* The same, until it is most of what there was once. */
static size_t large_again(size_t most, size_t once)
{
	uint64_t start = time_now();
	size_t size;

	while ((size = largest_to_be_had(most)) < once - once / 4 && patience(start))
		time_sleep(20 * NSEC_PER_MSEC);
	printf("# largest block: %zu MB, then %zu MB\n", once >> 20, size >> 20);
	return size;
}

/* Leaves each core with some of every size. */
static void churn(void *arg)
{
	enum { N = 2000 };
	uint32_t random = (uint32_t)(uintptr_t)arg;
	void **p = calloc(N, sizeof *p);

	for (int i = 0; p && i < 20000; i++) {
		unsigned k = test_random(&random) % N;

		free(p[k]);
		p[k] = malloc(test_random(&random) % 2048);
	}
	for (int i = 0; p && i < N; i++)
		free(p[i]);
	free(p);
}

/* ---- What go_copy copies, on a stack that grows ---- */

enum { COPIES = 200, COPY = 16 * 1024 };

static struct waitgroup gate;
static char sent[COPY];

/* It has no bound: what it calls is not known. */
static void (*volatile wait_at_gate)(void);

static void at_gate(void)
{
	waitgroup_wait(&gate);
}

static void has_a_copy(void *arg)
{
	const char *copy = arg;

	expect(copy[0] == 'a' && copy[COPY - 1] == 'z');
	wait_at_gate();
	waitgroup_done(&wg);
}

/* Each coroutine's pages count as its own, from the start on. */
static void test_copies_count(void)
{
	static struct runtime_co list[COPIES + 10];
	struct runtime_stats before, with;
	int n, deep = 0;

	runtime_stats(&before);
	waitgroup_add(&gate, 1);
	waitgroup_add(&wg, COPIES);
	for (int i = 0; i < COPIES; i++)
		expect_eq(go_copy(has_a_copy, sent, sizeof sent), 0);
	n = runtime_list(list, COPIES + 10);
	for (int i = 0; i < n && i < COPIES + 10; i++)
		deep += list[i].stack_high >= COPY;
	expect(deep >= COPIES);
	runtime_stats(&with);
	expect(with.stack_bytes >= before.stack_bytes + COPIES * (size_t)COPY);
	waitgroup_done(&gate);
	waitgroup_wait(&wg);
	verdict("what go_copy copies is on the new stack, and counts there");
}

/* Whatever is missing: a page of the stack or its copy. */
static void test_copies_without_memory(void)
{
	enum { MADE = 10 };
	struct link *list;
	int made = 0, failed = 0;

	waitgroup_add(&gate, 1);
	take_all(&list);
	/* Another core may have pages left, and free ones of its stacks; and may give them back only now. */
	while ((made < MADE || !failed) && list) {
		int error;

		waitgroup_add(&wg, 1);
		error = go_copy(has_a_copy, sent, sizeof sent);
		if (error) {
			expect_eq(error, -ENOMEM);
			waitgroup_done(&wg);
			failed++;
			give_one(&list);
		} else {
			made++;
		}
	}
	give_all(&list);
	expect(failed > 0);
	expect(made >= MADE);
	waitgroup_done(&gate);
	waitgroup_wait(&wg);
	verdict("without memory for the copy go_copy is -ENOMEM");
}

/* ---- Slots that are free, and where a wild pointer goes ---- */

enum { SLOTS = 100, SLOT_SIZE = 256 * 1024 };
static _Atomic(volatile char *) slots[SLOTS]; /* the top page of each */
static int reused;

/* Where its stack is. */
static void in_slot(void *arg)
{
	volatile char here = 0;
	volatile char *page = &here - (uintptr_t)&here % 4096;

	for (int i = 0; arg && i < SLOTS; i++)
		if (slots[i] == page)
			reused++;
	for (int i = 0; !arg && i < SLOTS; i++)
		if (!slots[i]) {
			slots[i] = page;
			break;
		}
	waitgroup_wait(&gate);
	waitgroup_done(&wg);
}

/* SLOTS coroutines on one core, which live at the same time. */
static void fill_slots(void *arg)
{
	struct go_options opt = {.stack = SLOT_SIZE, .core = 1};
	size_t others = parked();

	go_pin(0); /* which keeps some free stacks for itself */
	waitgroup_add(&gate, 1);
	for (int i = 0; i < SLOTS; i++) {
		int error = go_with(&opt, in_slot, arg);

		expect_eq(error, 0);
		if (!error)
			waitgroup_add(&wg, 1);
	}
	go_yield();
	until_parked(others + SLOTS);
	waitgroup_done(&gate);
	waitgroup_wait(&wg);
	until_alone();
	go_pin(-1);
}

static void test_wild_pointers(void)
{
	size_t before, after;

	fill_slots(NULL);
	before = pages_to_be_had(); /* what is free has no pages any more */
	for (int i = 0; i < SLOTS; i++) {
		slots[i][8] = 1;             /* its top page */
		slots[i][-2 * 4096 + 8] = 1; /* and one below */
	}
	fill_slots(slots);
	printf("# %d of %d slots again\n", reused, SLOTS);
	expect(reused > SLOTS / 2);
	verdict("a free stack that a wild pointer has met can be used");
	/* Those that were not used again keep theirs; and each core keeps some of what it has had. */
	before -= (size_t)(SLOTS - reused) + 8 * (size_t)runtime_cores();
	after = pages_at_least(before);
	printf("# pages: %zu, at least %zu\n", after, before);
	expect(after >= before);
	verdict("and the pages that are there since are given back");
}

/* ---- What cores keep for the next preemption ---- */

static atomic_int hogging;
static atomic_bool enough;

static void hog(void *unused)
{
	(void)unused;
	waitgroup_wait(&gate);
	atomic_fetch_add(&hogging, 1);
	while (!atomic_load(&enough))
		;
	waitgroup_done(&wg);
}

/* The stack of who calls it has these pages from now on. */
static __attribute__((noinline)) void touch_stack(void)
{
	volatile char deep[32 * 1024];

	for (size_t i = 0; i < sizeof deep; i += 1024)
		deep[i] = 1;
}

/* Many are preempted while only the middle of memory is free. */
static void test_spares(size_t most, size_t once)
{
	enum { HOGS = 40, ROOM = 1000 };
	struct link *list, **middle = &list;
	size_t n;

	touch_stack();
	waitgroup_add(&gate, 1);
	waitgroup_add(&wg, HOGS);
	for (int i = 0; i < HOGS; i++)
		expect_eq(go(hog, NULL), 0);
	until_parked(HOGS);
	n = take_all(&list);
	for (size_t i = 0; i < n / 2; i++)
		middle = &(*middle)->next;
	for (int i = 0; i < ROOM; i++)
		give_one(middle);
	waitgroup_done(&gate);
	for (uint64_t start = time_now(); atomic_load(&hogging) < HOGS && patience(start);)
		time_sleep(20 * NSEC_PER_MSEC);
	expect_eq(atomic_load(&hogging), HOGS);
	atomic_store(&enough, true);
	waitgroup_wait(&wg);
	give_all(&list);
	expect(large_again(most, once) >= once - once / 4);
	verdict("what is kept for the next preemption leaves it so");
}

/* ---- The run queue, when there is no memory for what comes next in it ---- */

static void count_turn(void *turns)
{
	++*(int *)turns;
	waitgroup_done(&wg);
}

/* The second of two that are made is put into an empty queue; what has ended leaves pages that can be taken back. */
static void test_queue_without_memory(void)
{
	enum { ROUNDS = 3000, SOME = 8 };
	int made[2] = {0}, turns[2] = {0};
	struct link *list;

	go_pin(0);
	until_alone();
	take_all(&list);
	for (int i = 0; i < SOME; i++)
		give_one(&list);
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < 2; k++) {
			waitgroup_add(&wg, 1);
			if (go(count_turn, &turns[k]))
				waitgroup_done(&wg);
			else
				made[k]++;
		}
		waitgroup_wait(&wg);
	}
	give_all(&list);
	go_pin(-1);
	printf("# %d and %d of %d were made\n", made[0], made[1], ROUNDS);
	expect(made[1] > ROUNDS / 2);
	expect_eq(turns[0], made[0]);
	expect_eq(turns[1], made[1]);
	verdict("who is ready comes round without memory, too");
}

static void at_gate_as_others(void *unused)
{
	(void)unused;
	wait_at_gate();
	waitgroup_done(&wg);
}

/* Stacks, and what maps them, fill what is left of memory: afterwards it is in pieces of some size. */
static void test_many_stacks(void)
{
	enum {
		HOGS = 64,
		HOG = (8 << 20) - 4096,
		LEFT = 32 << 20,
		LAST = 1 << 20,
		PIECE = 2 << 20
	};
	struct runtime_stats stats;
	void *hogs[HOGS], *piece;
	int n = 0, nhogs = 0;

	for (runtime_stats(&stats); stats.free_bytes > LEFT && nhogs < HOGS; runtime_stats(&stats))
		if (!(hogs[nhogs++] = malloc(HOG)))
			break;
	waitgroup_add(&gate, 1);
	do {
		waitgroup_add(&wg, 1);
		if (go(at_gate_as_others, NULL)) {
			waitgroup_done(&wg);
			break;
		}
		if (++n % 100 == 0)
			runtime_stats(&stats);
	} while (stats.free_bytes > LAST);
	waitgroup_done(&gate);
	waitgroup_wait(&wg);
	for (uint64_t start = time_now(); !(piece = malloc(PIECE)) && patience(start);)
		time_sleep(20 * NSEC_PER_MSEC);
	printf("# %d coroutines\n", n);
	expect(n > 1000);
	expect(piece);
	free(piece);
	while (nhogs > 0)
		free(hogs[--nhogs]);
	verdict("many stacks leave no memory in small pieces");
}

int main(int argc, char **argv)
{
	struct runtime_stats stats;
	size_t before, after, largest;

	test_begin(argc, argv, 9);
	sent[0] = 'a';
	sent[COPY - 1] = 'z';
	wait_at_gate = at_gate;
	before = pages_to_be_had();
	test_copies_count();
	test_copies_without_memory();
	test_wild_pointers();
	runtime_stats(&stats);
	largest = largest_to_be_had(stats.free_bytes);
	for (int i = 1; i <= 4 * test_smp; i++)
		expect_eq(waitgroup_go(&wg, churn, (void *)(uintptr_t)i), 0);
	waitgroup_wait(&wg);
	after = pages_at_least(before - 300);
	printf("# pages: %zu, then %zu\n", before, after);
	expect(after + 300 >= before);
	verdict("what was freed can be had, whatever size it had");

	expect(large_again(stats.free_bytes, largest) >= largest - largest / 4);
	verdict("and in one piece");
	test_spares(stats.free_bytes, largest);
	test_queue_without_memory();
	test_many_stacks();
	return test_end();
}
