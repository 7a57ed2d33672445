/*
 * Fairness: nothing that can run waits for ever, and no lock, channel or queue leaves one out. On
 * one core a pair that wakes each other has the whole machine, if it is let.
 */
#include "test.h"

static struct waitgroup all;
static _Atomic bool stop;
static _Atomic int turns;

/* ---- Pairs that wake each other for ever ---- */

static struct chan *to, *back;
static struct event ping, pong;
static struct sema left, right;
static struct mutex lock;
static struct cond cond;
static int whose;

static void chan_ping(void *arg)
{
	int x = 0;

	while (chan_send(to, &x) == 0 && chan_recv(back, &x) == 0)
		;
	waitgroup_done(&all);
}

static void chan_pong(void *arg)
{
	int x = 0;

	while (!stop && chan_recv(to, &x) == 0 && chan_send(back, &x) == 0)
		;
	chan_close(to);
	chan_close(back);
	waitgroup_done(&all);
}

static void select_ping(void *arg)
{
	int x = 0;
	struct select_case k[2] = {{to, SELECT_SEND, &x, 0}, {back, SELECT_RECV, &x, 0}};

	do
		chan_select(k, 2);
	while (k[0].status == 0 && k[1].status == 0);
	waitgroup_done(&all);
}

static void event_ping(void *arg)
{
	while (!stop) {
		event_post(&ping);
		event_wait(&pong);
	}
	event_post(&ping);
	waitgroup_done(&all);
}

static void event_pong(void *arg)
{
	while (!stop) {
		event_wait(&ping);
		event_post(&pong);
	}
	event_post(&pong);
	waitgroup_done(&all);
}

static void sema_side(void *arg)
{
	while (!stop) {
		sema_release(arg ? &left : &right);
		sema_acquire(arg ? &right : &left);
	}
	sema_release(arg ? &left : &right);
	waitgroup_done(&all);
}

static void cond_side(void *arg)
{
	int me = arg != NULL;

	mutex_lock(&lock);
	while (!stop) {
		while (whose != me && !stop)
			cond_wait(&cond, &lock);
		whose = !me;
		cond_broadcast(&cond);
	}
	cond_broadcast(&cond);
	mutex_unlock(&lock);
	waitgroup_done(&all);
}

static void count_up(struct gen *g, void *arg)
{
	for (int i = 0; gen_yield(g, &i) == 0; i++)
		;
}

static void gen_loop(void *arg)
{
	struct gen *g = gen_make(count_up, NULL, sizeof(int));
	int x;

	while (!stop)
		gen_next(g, &x);
	gen_free(g);
	waitgroup_done(&all);
}

static void spawn_next(void *arg)
{
	if (stop)
		waitgroup_done(&all);
	else
		go(spawn_next, arg);
}

static void take_turns(void *arg)
{
	for (int i = 0; i < 10; i++) {
		turns++;
		go_yield();
	}
	waitgroup_done(&all);
}

static const struct pair {
	const char *name;
	go_fn *one, *other;
} pairs[] = {
	{"channels", chan_ping, chan_pong},
	{"a select", select_ping, chan_pong},
	{"events", event_ping, event_pong},
	{"semaphores", sema_side, sema_side},
	{"a condition", cond_side, cond_side},
	{"a generator", gen_loop, NULL},
	{"starting the next and ending", spawn_next, NULL},
};

enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static void test_pairs(void)
{
	uint64_t old = runtime_set_quantum(200 * NSEC_PER_USEC), start;
	int procs = runtime_procs(1);

	for (int i = 0; i < PAIRS; i++) {
		to = chan_of(int, 0);
		back = chan_of(int, 0);
		stop = false;
		turns = 0;
		waitgroup_add(&all, pairs[i].other ? 2 : 1);
		if (pairs[i].other)
			go(pairs[i].other, NULL);
		go(pairs[i].one, &all);
		time_sleep(NSEC_PER_MSEC); /* also a timer gets its turn */
		waitgroup_add(&all, 3);
		for (int k = 0; k < 3; k++)
			go(take_turns, NULL);
		start = time_now();
		while (turns < 30 && patience(start))
			go_yield();
		expect_eq(turns, 30);
		stop = true;
		waitgroup_wait(&all);
		chan_free(to);
		chan_free(back);
		verdict("a pair with %s shares the core with others", pairs[i].name);
	}
	runtime_procs(procs);
	runtime_set_quantum(old);
}

/* All at once, and hogs: everybody comes round, timers fire. */
static void hog(void *arg)
{
	while (!stop)
		;
	waitgroup_done(&all);
}

static void yield_on(void *arg)
{
	int rounds = 0;

	while (!stop) {
		go_yield();
		if (++rounds == 20)
			turns++;
	}
	waitgroup_done(&all);
}

static void test_crowd(void)
{
	uint64_t old = runtime_set_quantum(100 * NSEC_PER_USEC), start = time_now();
	int cores = runtime_cores();

	to = chan_of(int, 0);
	back = chan_of(int, 0);
	stop = false;
	turns = 0;
	waitgroup_add(&all, 4 + 2 * cores + 10);
	go(event_ping, NULL);
	go(event_pong, NULL);
	go(chan_ping, NULL);
	go(chan_pong, NULL);
	for (int i = 0; i < cores; i++) {
		go(hog, NULL);
		go_with(&(struct go_options){.core = 1 + i}, hog, NULL);
	}
	for (int i = 0; i < 10; i++)
		go(yield_on, NULL);
	struct chan *timeout = time_after(NSEC_PER_MSEC);
	expect_eq(chan_recv_until(timeout, NULL, time_now() + 20 * NSEC_PER_SEC), 0);
	chan_free(timeout);
	while (turns < 10 && patience(start))
		go_yield();
	expect_eq(turns, 10);
	stop = true;
	waitgroup_wait(&all);
	chan_free(to);
	chan_free(back);
	runtime_set_quantum(old);
	verdict("among hogs and pairs everybody comes round");
}

/* ---- Loops that are nearly always in a library ---- */

enum { COPIED = 1 << 16 };

static void print_on(void *arg)
{
	char text[100];

	while (!stop)
		snprintf(text, sizeof text, "%.40Lg", 1.2345e300L);
	waitgroup_done(&all);
}

static void copy_on(void *arg)
{
	static const char from[COPIED];
	char *to = malloc(COPIED);

	expect(to);
	while (to && !stop)
		memcpy(to, from, COPIED);
	free(to);
	waitgroup_done(&all);
}

static void test_library(void)
{
	static go_fn *const loops[] = {print_on, copy_on, hog};
	uint64_t old = runtime_set_quantum(100 * NSEC_PER_USEC);
	int cores = runtime_cores();

	for (int i = 0; i < 3; i++) {
		uint64_t start = time_now();

		stop = false;
		turns = 0;
		waitgroup_add(&all, cores + 3);
		for (int k = 0; k < cores; k++)
			go(loops[i], NULL);
		for (int k = 0; k < 3; k++)
			go(yield_on, NULL);
		while (turns < 3 && patience(start))
			go_yield();
		expect_eq(turns, 3);
		stop = true;
		waitgroup_wait(&all);
	}
	runtime_set_quantum(old);
	verdict("a loop is interrupted wherever it spends its time");
}

/* ---- After Go's TestMutexFairness: one who takes it again and again, one who wants it ---- */

static void lock_again(void *arg)
{
	while (!stop) {
		mutex_lock(&lock);
		spin_ns(100 * NSEC_PER_USEC);
		mutex_unlock(&lock);
	}
	waitgroup_done(&all);
}

static void test_mutex(void)
{
	uint64_t start = time_now(), longest = 0;

	stop = false;
	waitgroup_add(&all, 2);
	go(lock_again, NULL);
	go(lock_again, NULL);
	for (int i = 0; i < 10; i++) {
		time_sleep(100 * NSEC_PER_USEC);
		uint64_t began = time_now();
		mutex_lock(&lock);
		mutex_unlock(&lock);
		if (time_now() - began > longest)
			longest = time_now() - began;
	}
	expect(patience(start));
	stop = true;
	waitgroup_wait(&all);
	verdict("a mutex that others take again at once is had by all");
}

/* ---- Readers that overlap for ever, and a writer ---- */

static struct rwmutex rw;

static void read_again(void *arg)
{
	while (!stop) {
		rwmutex_rlock(&rw);
		turns++;
		spin_ns(50 * NSEC_PER_USEC);
		go_yield();
		rwmutex_runlock(&rw);
	}
	waitgroup_done(&all);
}

static void write_again(void *arg)
{
	while (!stop) {
		rwmutex_lock(&rw);
		spin_ns(20 * NSEC_PER_USEC);
		rwmutex_unlock(&rw);
	}
	waitgroup_done(&all);
}

static void test_rwmutex(void)
{
	uint64_t start = time_now();
	int before;

	stop = false;
	waitgroup_add(&all, 5);
	for (int i = 0; i < 5; i++)
		go(read_again, NULL);
	for (int i = 0; i < 10; i++) {
		rwmutex_lock(&rw);
		rwmutex_unlock(&rw);
	}
	expect(patience(start));
	verdict("readers that overlap let a writer in");
	waitgroup_add(&all, 2);
	go(write_again, NULL);
	go(write_again, NULL);
	before = turns;
	while (turns < before + 20 && patience(start))
		time_sleep(100 * NSEC_PER_USEC);
	expect(turns >= before + 20);
	stop = true;
	waitgroup_wait(&all);
	verdict("and writers let readers in");
}

/* ---- After Go's TestSelectFairness: chance on the way in, and on the way out ---- */

enum { TRIALS = 4000 };
static struct chan *in[2], *out[2], *end;

static void pass_on(void *arg)
{
	for (;;) {
		int x;
		struct select_case take[2] = {{in[0], SELECT_RECV, &x, 0},
					      {in[1], SELECT_RECV, &x, 0}};
		chan_select(take, 2);
		struct select_case give[3] = {{out[0], SELECT_SEND, &x, 0},
					      {out[1], SELECT_SEND, &x, 0},
					      {end, SELECT_RECV, NULL, 0}};
		if (chan_select(give, 3) == 2)
			break;
	}
	waitgroup_done(&all);
}

/* Ten standard deviations of 31.6. */
static void expect_half(int count)
{
	if (count < TRIALS / 2 - 316 || count > TRIALS / 2 + 316)
		test_unexpected("about a half", TRIALS, count);
}

static void test_select(void)
{
	int by_out[2] = {0}, by_in[2] = {0}, x;

	end = chan_make(0, 0);
	for (int i = 0; i < 2; i++) {
		in[i] = chan_of(int, TRIALS + 1);
		out[i] = chan_of(int, 0);
		for (int n = 0; n <= TRIALS; n++)
			chan_send(in[i], &i);
	}
	waitgroup_add(&all, 1);
	go(pass_on, NULL);
	for (int n = 0; n < TRIALS; n++) {
		struct select_case k[2] = {{out[0], SELECT_RECV, &x, 0},
					   {out[1], SELECT_RECV, &x, 0}};
		by_out[chan_select(k, 2)]++;
		by_in[x]++;
	}
	chan_close(end);
	waitgroup_wait(&all);
	chan_free(end);
	for (int i = 0; i < 2; i++) {
		chan_free(in[i]);
		chan_free(out[i]);
	}
	expect_half(by_in[0]);
	expect_half(by_out[0]);
	verdict("selects on both sides take both ways");
}

/* ---- Who has just begun ---- */

#define SLICE_NS (125 * NSEC_PER_MSEC) /* a quarter of the quantum, at least */
static uint64_t at, ended_at;
static _Atomic bool begun, over;
static _Atomic long turns_meanwhile;

static void short_work(void *arg)
{
	(void)arg;
	time_sleep_until(at);
	begun = true;
	spin_ns(3 * NSEC_PER_MSEC);
	ended_at = time_now();
	over = true;
}

static void wakes_meanwhile(void *arg)
{
	(void)arg;
	time_sleep_until(at + NSEC_PER_MSEC);
	while (!over) {
		turns_meanwhile += begun;
		go_yield();
	}
}

/* One that runs alone, far from the end of its time slice, is not taken off by others that wake. */
static void test_slice(void)
{
	struct waitgroup wg = {0};
	uint64_t quantum = runtime_set_quantum(4 * SLICE_NS);

	for (int i = 0; i < 10;) {
		begun = over = false;
		turns_meanwhile = 0;
		at = time_now() + 5 * NSEC_PER_MSEC;
		waitgroup_go(&wg, short_work, NULL);
		waitgroup_go(&wg, wakes_meanwhile, NULL);
		waitgroup_go(&wg, wakes_meanwhile, NULL);
		waitgroup_wait(&wg);
		if (ended_at - at > SLICE_NS / 2)
			continue;         /* the host held it up: its slice may have ended */
		if (runtime_cores() == 1) /* others do not run beside it */
			expect_eq(turns_meanwhile, 0);
		i++;
	}
	runtime_set_quantum(quantum);
	verdict("who has just begun keeps its time slice");
}

/* ---- Loops that are pinned, and one that wakes beside them ---- */

enum { LOOPS = 8, YIELDS = 20 };
static _Atomic uint64_t wake_at;
static _Atomic int turn_of, loop_turns, turns_then;

/* Counts whenever another of the loops has come on, and notes the count when the sleeper is due. */
static void pinned_loop(void *arg)
{
	while (!stop) {
		int unseen = turns_then;

		if (turn_of != (int)(intptr_t)arg) {
			turn_of = (int)(intptr_t)arg;
			loop_turns++;
		}
		/* In one step: it is interrupted just when the sleeper is due. */
		if (unseen < 0 && time_now() >= wake_at)
			atomic_compare_exchange_strong(&turns_then, &unseen, loop_turns);
	}
	waitgroup_done(&all);
}

static void wakes_beside(void *arg)
{
	int late = 0;

	/* Loops that have not had a time slice yet are no later in line than it is. */
	for (int begun = loop_turns; loop_turns <= begun + LOOPS;)
		time_sleep(NSEC_PER_MSEC);
	for (int i = 0; i < 10; i++) {
		wake_at = time_now() + 3 * NSEC_PER_MSEC;
		turns_then = -1 - i; /* nobody's of the times before */
		time_sleep_until(wake_at);
		int then = turns_then;

		if (then >= 0) /* else it woke before any loop saw that it is due */
			late += loop_turns - then;
	}
	*(_Atomic int *)arg = late;
	waitgroup_done(&all);
}

static void test_pinned_loops(void)
{
	uint64_t quantum = runtime_set_quantum(NSEC_PER_MSEC);

	/* Where there are more cores, it is pinned too: else it wakes on another. */
	for (int pinned = runtime_cores() > 1; pinned < 2; pinned++) {
		_Atomic int late = -1;

		stop = false;
		waitgroup_add(&all, LOOPS + 1);
		for (int i = 0; i < LOOPS; i++)
			go_with(&(struct go_options){.core = 1}, pinned_loop,
				(void *)(intptr_t)(i + 1));
		go_with(&(struct go_options){.core = pinned}, wakes_beside, &late);
		while (late < 0)
			time_sleep(NSEC_PER_MSEC);
		stop = true;
		waitgroup_wait(&all);
		expect(late <= 10 || !SLICES_LAST);
	}
	runtime_set_quantum(quantum);
	verdict("one that wakes beside pinned loops waits for one slice");
}

static void yields_beside(void *arg)
{
	int before;

	/* Loops that have not had a time slice yet go first. */
	while (loop_turns <= LOOPS)
		go_yield();
	before = loop_turns;
	for (int i = 0; i < YIELDS; i++)
		go_yield();
	*(_Atomic int *)arg = loop_turns - before;
	waitgroup_done(&all);
}

/* One that looks whether there is work, and yields, as at a network card. */
static void test_yield_beside_loops(void)
{
	uint64_t quantum = runtime_set_quantum(NSEC_PER_MSEC);
	_Atomic int between = -1;

	stop = false;
	turns_then = 0;
	loop_turns = 0;
	waitgroup_add(&all, LOOPS + 1);
	for (int i = 0; i < LOOPS; i++)
		go_with(&(struct go_options){.core = 1}, pinned_loop, (void *)(intptr_t)(i + 1));
	go_with(&(struct go_options){.core = 1}, yields_beside, (void *)&between);
	while (between < 0)
		time_sleep(NSEC_PER_MSEC);
	stop = true;
	waitgroup_wait(&all);
	runtime_set_quantum(quantum);
	expect(between <= 3 * YIELDS || !SLICES_LAST);
	verdict("one that yields beside loops lets one or two of them run, not all");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, PAIRS + 10);
	test_pairs();
	test_crowd();
	test_library();
	test_mutex();
	test_rwmutex();
	test_select();
	test_slice();
	test_pinned_loops();
	test_yield_beside_loops();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
