/* runtime_leaks: what it takes for alive, what it counts and says, with many coroutines, and while others run.
 * The patterns of leaks are in tests/leaks. */
#include "line.h"
#include "test.h"

static struct waitgroup all;
static _Atomic bool over;
static _Atomic int received;

static void receives(void *c)
{
	chan_recv((struct chan *)c, (int *)NULL);
	received++;
}

/* ---- What is alive ---- */

/* When their waits are over, with all bits inverted: a time may look like an address. */
static uint64_t hidden_end;

static __attribute__((noinline)) void end_in(unsigned ms)
{
	hidden_end = ~(time_now() + ms * NSEC_PER_MSEC);
}

static __attribute__((noinline)) bool has_ended(void)
{
	return time_now() >= ~hidden_end;
}

static void sleeps_and_closes(void *unused)
{
	struct chan *c = chan_of(int, 0);

	(void)unused;
	waitgroup_go(&all, receives, c);
	time_sleep_until(~hidden_end);
	chan_close(c);
}

static void gives_up_and_closes(void *unused)
{
	struct chan *c = chan_of(int, 0);

	(void)unused;
	waitgroup_go(&all, receives, c);
	chan_recv_until(chan_of(int, 0), (int *)NULL, ~hidden_end);
	chan_close(c);
}

/* Looked at while all four wait: where the machine stands still until that is over, they wait for longer. */
static void timers(void)
{
	size_t others = parked(), leaked = 0;
	bool in_time = false;

	for (unsigned ms = 30; !in_time && leaked == 0; ms *= 2) {
		end_in(ms);
		waitgroup_go(&all, sleeps_and_closes, NULL);
		waitgroup_go(&all, gives_up_and_closes, NULL);
		while (parked() < others + 4 && !has_ended())
			go_yield();
		leaked = runtime_leaks(NULL);
		in_time = !has_ended();
		waitgroup_wait(&all);
	}
	check(leaked == 0, "who sleeps, or has a deadline, has not leaked");
}

static void in_a_register(void *unused)
{
	struct chan *c = chan_of(int, 0);

	(void)unused;
	waitgroup_go(&all, receives, c);
	do
		__asm__ volatile("" : "+r"(c));
	while (!over);
	chan_close(c);
}

static void registers(void)
{
	over = false;
	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, in_a_register, NULL);
	time_sleep(5 * NSEC_PER_MSEC);
	for (int i = 0; i < amount(20); i++) {
		expect_eq(runtime_leaks(NULL), 0);
		time_sleep(NSEC_PER_MSEC);
	}
	over = true;
	waitgroup_wait(&all);
	verdict("what a register of one that computes leads to has not leaked");
}

/* ---- While others run ---- */

static void short_life(void *c)
{
	int value = 1;

	free(malloc((size_t)time_now() % 3000));
	chan_send((struct chan *)c, &value);
}

static void comes_and_goes(void *unused)
{
	(void)unused;
	while (!over) {
		struct chan *c = chan_of(int, 0);

		for (int i = 0; i < 5; i++)
			go(short_life, c);
		for (int i = 0; i < 5; i++)
			chan_recv(c, (int *)NULL);
		chan_free(c);
	}
}

static void looks(void *unused)
{
	(void)unused;
	for (int i = 0; i < amount(30); i++)
		expect_eq(runtime_leaks(NULL), 0);
}

static void crowd(void)
{
	struct waitgroup lookers = {0};

	over = false;
	for (int i = 0; i < 8; i++)
		waitgroup_go(&all, comes_and_goes, NULL);
	for (int i = 0; i < 3; i++)
		waitgroup_go(&lookers, looks, NULL);
	waitgroup_wait(&lookers);
	over = true;
	waitgroup_wait(&all);
	until_alone(); /* who has not quite ended leads to what its memory has become */
	verdict("three look at a time, while others come and go");
}

/* ---- What is told ---- */

static uintptr_t hidden_channel; /* with all bits inverted */

/* The first of all, in memory that had nothing before. Frames of the caller may still have what was in use: not of this
 * one, which has ended. */
static void leaves(void *unused)
{
	struct chan *c = chan_of(int, 0);

	(void)unused;
	hidden_channel = ~(uintptr_t)c;
	for (int i = 0; i < 3; i++)
		go_with(&(struct go_options){.name = "left behind"}, receives, c);
}

static void told(void)
{
	static const char line[] =
		"leaked: 3 × \"left behind\" waiting for chan receive, started at leaves (";
	char *text = NULL;
	size_t size = 0, others = parked(), n;
	FILE *file;

	waitgroup_go(&all, leaves, NULL);
	waitgroup_wait(&all);
	until_parked(others + 3);
	file = open_memstream(&text, &size);
	n = runtime_leaks(file);
	fclose(file);
	printf("# %zu have leaked\n", n);
	check(n == 3 && runtime_leaks(NULL) == 3, "what has leaked is counted, each time");
	check(!strncmp(text, line, strlen(line)) && strstr(text, "leaks.c:") &&
		      strstr(text, "\n  #0 0x") && strstr(text, " receives+0x"),
	      "and told of in one line, with a stack");
	free(text);
	chan_close((struct chan *)~hidden_channel);
	until_alone();
}

/* ---- What a look leaves behind ---- */

enum { ALIVE = 50, PARTS = 64 };
static struct chan **volatile alive;
static char *volatile parts[PARTS];

static void make_alive(void *unused)
{
	(void)unused;
	alive = calloc(ALIVE, sizeof(*alive));
	for (int i = 0; i < ALIVE; i++)
		alive[i] = chan_of(int, 0);
}

static void forget(void *unused)
{
	(void)unused;
	for (int i = 0; i < ALIVE; i++)
		go(receives, alive[i]);
	free(alive);
	alive = NULL;
}

/* Memory that a look has used is the program's next, as it is. */
static void again(void)
{
	size_t others = parked(), before, n;

	waitgroup_go(&all, make_alive, NULL);
	waitgroup_wait(&all);
	before = runtime_leaks(NULL);
	for (int i = 0; i < PARTS; i++)
		parts[i] = malloc((size_t)4096 << i % 6);
	waitgroup_go(&all, forget, NULL);
	waitgroup_wait(&all);
	until_parked(others + ALIVE);
	n = runtime_leaks(NULL) - before;
	printf("# %zu of %d have leaked\n", n, ALIVE);
	check(n >= ALIVE - 1 && n <= ALIVE, "what a look has used leads nowhere");
	for (int i = 0; i < PARTS; i++)
		free(parts[i]);
}

/* ---- What other memory had ---- */

enum { BLOCKS = 4000, BLOCK = 1500, OTHER_BLOCK = 700 };
static void **volatile blocks;

static void make_blocks(size_t size)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(size);
}

static void free_blocks(void)
{
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

/* The memory of blocks that were full of pointers to the channels is that of others, which nobody writes to. */
static void make_unwritten(void *unused)
{
	(void)unused;
	make_alive(NULL);
	blocks = calloc(BLOCKS, sizeof(*blocks));
	make_blocks(BLOCK);
	for (size_t i = 0; i < BLOCKS * (BLOCK / sizeof(*alive)); i++)
		((struct chan **)blocks[i % BLOCKS])[i / BLOCKS] = alive[i % ALIVE];
	free_blocks();
	make_blocks(OTHER_BLOCK);
}

static void other_memory(void)
{
	size_t others = parked(), before = runtime_leaks(NULL), n;

	waitgroup_go(&all, make_unwritten, NULL);
	waitgroup_wait(&all);
	waitgroup_go(&all, forget, NULL);
	waitgroup_wait(&all);
	until_parked(others + ALIVE);
	n = runtime_leaks(NULL) - before;
	printf("# %zu of %d have leaked\n", n, ALIVE);
	/* Where one does, none of them has leaked. A line of before that was missed may be found now. */
	check(n >= ALIVE / 2, "a block that nobody has written to leads nowhere");
	free_blocks();
	free(blocks);
	blocks = NULL;
}

/* ---- Many ---- */

/* In C any word may lead to one, by chance and what memory had before, and then to all that are behind it in its line:
 * of the lines that have leaked one may be missed. */
enum { LINES = 8 };
static struct chan *volatile kept;
#ifdef __SANITIZE_THREAD__
enum { MANY = 5000 }; /* it maps memory for each, and Linux has a limit of maps */
#else
enum { MANY = 20000 };
#endif

/* On one core: the first line gets what was used before, and what was on a stack may lead to its own memory only. */
static void make_lines(void *unused)
{
	(void)unused;
	go_pin(0);
	kept = line(amount(MANY));
	for (int i = 0; i < LINES; i++)
		line(amount(MANY) / LINES);
}

static void many(void)
{
	size_t others = parked(), before = runtime_leaks(NULL), n;
	size_t in_line = (size_t)amount(MANY) / LINES, leaked = LINES * in_line;

	waitgroup_go(&all, make_lines, NULL);
	waitgroup_wait(&all);
	while (parked() < others + (size_t)amount(MANY) + leaked)
		time_sleep(NSEC_PER_MSEC);
	/* No time is kept here: it would look like an address. Some word may look as if it led to those of before. */
	n = runtime_leaks(NULL) - before;
	printf("# a line of %d is alive; of %d of %zu each %zu have leaked\n", amount(MANY), LINES,
	       in_line, n);
	expect(n >= leaked - in_line && n <= leaked + 3);
	chan_close(kept);
	kept = NULL;
	verdict("a long line of coroutines is alive when the first is, and has leaked otherwise");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	told();
	timers();
	registers();
	crowd();
	again();
	many();
	other_memory();
	return test_end();
}
