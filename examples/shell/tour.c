/* tour: what Vole is for, shown in a minute. Each stop is one function. */
#include <stdlib.h>

#include "shell.h"

enum { YIELDERS = 10, YIELDS = 100000 };
enum { CHAIN = 100000, CHAIN_SAMPLE = 256, CHAIN_CHECK = 8192, CHAIN_RESERVE = 2 << 20 };
enum { WORKERS = 64, PIECES = 100, STEPS = 50000 };
enum { TICKS = 8, TICK_MS = 250 };

static void heading(const char *title, const char *explanation)
{
	printf("\n%s\n   %s\n", title, explanation);
	fflush(stdout);
}

static void say_out_of_memory(void)
{
	printf("   Out of memory.\n");
}

/* Starts up to count of them; fewer when memory runs out. */
static int start_all(struct waitgroup *wg, int count, go_fn *fn, void *arg)
{
	int started = 0;

	while (started < count && waitgroup_go(wg, fn, arg) == 0)
		started++;
	return started;
}

static void yielder(void *arg)
{
	(void)arg;
	for (int i = 0; i < YIELDS; i++)
		go_yield();
}

static void show_yields(void)
{
	struct waitgroup wg = {0};
	uint64_t start = time_now(), yields, took;

	heading("1. A million yields",
		"Ten coroutines step aside for one another, 100,000 times each.");
	yields = (uint64_t)start_all(&wg, YIELDERS, yielder, NULL) * YIELDS;
	waitgroup_wait(&wg);
	took = time_now() - start;
	if (yields == 0 || took == 0) {
		say_out_of_memory();
		return;
	}
	printf("   %s yields in %s: ", show_number(yields).s, show_time(took).s);
	printf("%s a second, %s each.\n", show_number(yields * NSEC_PER_SEC / took).s,
	       show_time(took / yields).s);
}

struct link {
	struct chan *left, *right;
};

static void hand_on(void *arg)
{
	struct link *link = arg;
	uint32_t token;

	chan_recv(link->left, &token);
	chan_free(link->left);
	token++;
	chan_send(link->right, &token);
}

static size_t free_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.free_bytes;
}

static size_t bytes_in_use(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.stack_bytes + stats.heap_bytes;
}

/*
 * Makes the chain as long as memory allows, judged by what the first ones took. Its right end goes
 * to *end; returns its length.
 */
static uint32_t make_chain(struct chan *first, struct chan **end)
{
	struct link link = {.left = first};
	size_t before = free_bytes(), now, cost, room;
	uint32_t length = 0, longest = CHAIN;

	while (length < longest) {
		link.right = chan_of(uint32_t, 0);
		if (!link.right)
			break;
		if (go_copy(hand_on, &link, sizeof link) < 0) {
			chan_free(link.right);
			break;
		}
		link.left = link.right;
		length++;
		if (length != CHAIN_SAMPLE && length % CHAIN_CHECK != 0)
			continue;
		now = free_bytes();
		cost = before > now ? (before - now) / length + 1 : 1;
		room = now > CHAIN_RESERVE ? (now - CHAIN_RESERVE) / cost : 0;
		if (length + room < longest)
			longest = length + room;
	}
	*end = link.left;
	return length;
}

static void show_chain(void)
{
	struct chan *first = chan_of(uint32_t, 0), *end = first;
	uint64_t start = time_now(), took;
	size_t before = bytes_in_use();
	uint32_t length = 0, token = 0;

	heading("2. A hundred thousand coroutines, as far as memory goes",
		"Each waits at a channel for a token, adds one and hands it on.");
	if (first)
		length = make_chain(first, &end);
	if (length == 0) {
		say_out_of_memory();
		chan_free(end);
		return;
	}
	took = time_now() - start;
	printf("   %s made in %s, ", show_number(length).s, show_time(took).s);
	printf("%s each for stack and channel.\n",
	       show_bytes((bytes_in_use() - before) / length).s);
	fflush(stdout);
	start = time_now();
	chan_send(first, &token);
	chan_recv(end, &token);
	took = time_now() - start;
	printf("   The token came out as %s after %s, ", show_number(token).s, show_time(took).s);
	printf("%s from one to the next.\n", show_time(took / length).s);
	chan_free(end);
}

static _Atomic uint32_t *pieces_done; /* by each core */

static void worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < PIECES; i++) {
		for (volatile int step = 0; step < STEPS; step++)
			;
		atomic_fetch_add(&pieces_done[runtime_core()], 1);
	}
}

static void show_spreading(void)
{
	struct waitgroup wg = {0};
	struct runtime_stats before, after;
	int cores = runtime_cores(), home = runtime_core();
	uint64_t start;
	uint32_t most = 1;

	heading("3. Work finds the cores",
		cores > 1 ? "64 coroutines start on one core; the others come and steal them."
			  : "64 coroutines share the only core; SMP=4 has three to help it.");
	pieces_done = calloc(cores, sizeof *pieces_done);
	if (!pieces_done) {
		say_out_of_memory();
		return;
	}
	runtime_stats(&before);
	start = time_now();
	start_all(&wg, WORKERS, worker, NULL);
	waitgroup_wait(&wg);
	start = time_now() - start;
	runtime_stats(&after);
	for (int i = 0; i < cores; i++)
		most = pieces_done[i] > most ? pieces_done[i] : most;
	for (int i = 0; i < cores; i++)
		printf("   core %2d %s %5s pieces%s\n", i, show_bar(pieces_done[i], most, 40).s,
		       show_number(pieces_done[i]).s, i == home ? ", from here" : "");
	printf("   Done in %s; %s stolen.\n", show_time(start).s,
	       show_number(after.steals - before.steals).s);
	free(pieces_done);
}

static void show_hogs(void)
{
	struct hogs hogs;
	struct runtime_stats before, after;
	uint64_t start = time_now(), due;
	int started;

	heading("4. A hog cannot stop the others",
		"An endless loop without a call on every core, and a clock that ticks.");
	runtime_stats(&before);
	started = hogs_start(&hogs);
	for (int i = 1; i <= TICKS; i++) {
		due = start + i * TICK_MS * NSEC_PER_MSEC;
		time_sleep_until(due);
		printf("   tick %d at %5d ms, %s late\n", i, i * TICK_MS,
		       show_time(time_now() - due).s);
		fflush(stdout);
	}
	hogs_stop(&hogs);
	runtime_stats(&after);
	printf("   %d loops ran, and were interrupted %s times.\n", started,
	       show_number(after.preemptions - before.preemptions).s);
}

void tour(int argc, char **argv)
{
	(void)argc, (void)argv;
	show_yields();
	show_chain();
	show_spreading();
	show_hogs();
	printf("\nNow try ps, cores, sieve 500, skynet 10000 and hog, or read examples/.\n");
}
