/* Work spreads over the cores, runs once, and what is pinned stays. */
#include "test.h"

static struct waitgroup all;
static _Atomic uint64_t seen; /* a bit for each core */
static _Atomic bool stop;

static uint64_t every_core(void)
{
	int n = runtime_cores();
	return n == 64 ? ~0ull : (1ull << n) - 1;
}

/* ---- The other cores have something to do, until stop ---- */

static _Atomic int busy;

static void keep_busy(void *arg)
{
	(void)arg;
	busy++;
	while (!stop)
		;
	waitgroup_done(&all);
}

static void occupy_others(void)
{
	uint64_t start = time_now();
	int others = runtime_cores() - 1;

	stop = false;
	busy = 0;
	waitgroup_add(&all, others);
	for (int i = 0; i < others; i++)
		go(keep_busy, NULL);
	while (busy < others && patience(start))
		; /* with a long slice: the others take them all */
}

/* ---- Each is taken by one, and runs when it is woken ---- */

static struct sema gate;
static _Atomic bool open;
static _Atomic int too_early;

static void pass_gate(void *arg)
{
	(void)arg;
	sema_acquire(&gate);
	for (too_early += !open; !open;) /* its wait is still in the queue of gate */
		time_sleep(NSEC_PER_SEC);
	waitgroup_done(&all);
}

static void test_taken_once(void)
{
	enum { WAITERS = 200 };
	uint64_t old = runtime_set_quantum(60 * NSEC_PER_SEC), start;

	go_pin(0);
	occupy_others();
	waitgroup_add(&all, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		go(pass_gate, NULL);
	stop = true; /* they find many at once, and this coroutine does not stop: they take them all */
	for (start = time_now(); parked() < WAITERS && !too_early && patience(start);)
		if (runtime_cores() == 1)
			go_yield();
	if (!too_early)
		test_turns();
	check(too_early == 0, "who was stolen and waits is nobody's to run");
	if (too_early)
		exit(test_end()); /* one that two cores run does not stop there */
	open = true;
	for (int i = 0; i < WAITERS; i++)
		sema_release(&gate);
	waitgroup_wait(&all);
	go_pin(-1);
	runtime_set_quantum(old);
}

/* ---- Spreading ---- */

static void compute(void *arg)
{
	uint64_t start = time_now();

	(void)arg;
	while (seen != every_core() && patience(start))
		seen |= 1ull << runtime_core();
	waitgroup_done(&all);
}

static void test_spread(void)
{
	struct runtime_stats before, after;

	runtime_stats(&before);
	go_pin(0);
	for (int round = 0; round < 5; round++) {
		seen = 0;
		for (int i = 0; i < runtime_cores() * 4; i++) {
			waitgroup_add(&all, 1);
			go(compute, NULL);
		}
		waitgroup_wait(&all);
		expect_eq(seen, every_core());
	}
	go_pin(-1);
	runtime_stats(&after);
	verdict("work that one core starts is done by all");
	check(runtime_cores() == 1 || after.steals > before.steals, "steals are counted");
}

static void wide(void *arg)
{
	if (arg != NULL)
		for (int i = 0; i < 4; i++) {
			waitgroup_add(&all, 1);
			go(wide, (void *)((uintptr_t)arg - 1));
		}
	seen |= 1ull << runtime_core();
	spin_ns(20 * NSEC_PER_USEC);
	waitgroup_done(&all);
}

static void test_tree(void)
{
	uint64_t start = time_now();

	seen = 0;
	do {
		waitgroup_add(&all, 1);
		go(wide, (void *)4);
		waitgroup_wait(&all);
	} while (seen != every_core() && patience(start));
	check(seen == every_core(), "a tree of coroutines spreads");
}

/* ---- Each runs once, whole ---- */

enum { MANY = 4000 };
static _Atomic uint8_t runs[MANY];

static void count_me(void *arg)
{
	volatile uintptr_t mine[8];

	for (int i = 0; i < 8; i++)
		mine[i] = (uintptr_t)arg;
	runs[(uintptr_t)arg]++;
	go_yield();
	for (int i = 0; i < 8; i++)
		expect_eq(mine[i], (uintptr_t)arg);
	expect_eq(runs[(uintptr_t)arg], 1);
	waitgroup_done(&all);
}

static void spawn_some(void *arg)
{
	for (uintptr_t i = (uintptr_t)arg; i < MANY; i += 4) {
		waitgroup_add(&all, 1);
		go(count_me, (void *)i);
	}
	waitgroup_done(&all);
}

static void test_once(void)
{
	for (int round = 0; round < amount(2); round++) {
		memset(runs, 0, sizeof runs);
		waitgroup_add(&all, 4);
		for (uintptr_t i = 0; i < 4; i++)
			go(spawn_some, (void *)i);
		waitgroup_wait(&all);
		for (int i = 0; i < MANY; i++)
			expect_eq(runs[i], 1);
	}
	verdict("each of many coroutines runs once, while they are stolen");
}

/* ---- Yielding for ever with short work: queues overflow, halves are stolen ---- */

static _Atomic uint64_t turns;

static void churn(void *arg)
{
	volatile uint64_t mine = go_id();

	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		turns++;
		go_yield();
		if (mine != go_id()) {
			expect_eq(mine, go_id());
			break;
		}
	}
	waitgroup_done(&all);
}

static void test_churn(void)
{
	waitgroup_add(&all, 1000);
	for (int i = 0; i < 1000; i++)
		go(churn, (void *)(intptr_t)amount(20));
	waitgroup_wait(&all);
	check(turns == 1000ull * (unsigned)amount(20), "a thousand that yield all get their turns");
}

/* ---- What was made ready last, while slices are long ---- */

static _Atomic int ran;

static void count_run(void *arg)
{
	(void)arg;
	ran++;
	waitgroup_done(&all);
}

/* A slice is armed when no core is idle; then the others are, and this coroutine does not stop. */
static void test_next(void)
{
	uint64_t old = runtime_set_quantum(60 * NSEC_PER_SEC), start;
	int others = runtime_cores() - 1;

	occupy_others();
	for (int i = 0; i < 2; i++) {
		waitgroup_add(&all, 1);
		go(count_run, NULL);
	}
	stop = true;
	for (start = time_now(); others && ran < 2 && patience(start);)
		;
	expect_eq(ran, others ? 2 : 0);
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	verdict("no work waits for the end of a slice while a core is idle");
}

/* ---- Pinned under stress ---- */

static struct waitgroup pins;
static struct mutex lock;
static struct chan *line;

static void pinned(void *arg)
{
	int core = (int)(intptr_t)arg, value;

	for (int i = 0; i < amount(60); i++) {
		switch (i % 5) {
		case 0:
			go_yield();
			break;
		case 1:
			mutex_lock(&lock);
			expect_eq(runtime_core(), core);
			mutex_unlock(&lock);
			break;
		case 2:
			time_sleep(30 * NSEC_PER_USEC);
			break;
		case 3:
			chan_try_send(line, &i);
			break;
		case 4:
			chan_recv_until(line, &value, time_now() + 20 * NSEC_PER_USEC);
			break;
		}
		expect_eq(runtime_core(), core);
	}
	waitgroup_done(&pins);
}

static void restless(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;

	while (!stop) {
		if (test_random(&random) % 2)
			go_yield();
		else
			spin_ns(test_random(&random) % 100000);
	}
	waitgroup_done(&all);
}

static void wanders(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < amount(30); i++) {
		int core = (int)(test_random(&random) % (uint32_t)runtime_cores());
		expect_eq(go_pin(core), 0);
		expect_eq(runtime_core(), core);
		go_yield();
		expect_eq(runtime_core(), core);
	}
	expect_eq(go_pin(-1), 0);
	waitgroup_done(&pins);
}

static void test_pinned(void)
{
	uint64_t old = runtime_set_quantum(100 * NSEC_PER_USEC);

	line = chan_of(int, 4);
	stop = false;
	for (uintptr_t i = 1; i <= (uintptr_t)runtime_cores() * 2; i++) {
		waitgroup_add(&all, 1);
		go(restless, (void *)(i * 31337));
	}
	for (int core = 0; core < runtime_cores(); core++)
		for (int i = 0; i < 3; i++) {
			waitgroup_add(&pins, 1);
			go_with(&(struct go_options){.core = 1 + core}, pinned,
				(void *)(intptr_t)core);
		}
	for (uintptr_t i = 1; i <= 4; i++) {
		waitgroup_add(&pins, 1);
		go(wanders, (void *)(i * 999));
	}
	waitgroup_wait(&pins);
	stop = true;
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	chan_free(line);
	verdict("what is pinned stays, whatever the others do");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	test_taken_once();
	test_spread();
	test_tree();
	test_once();
	test_churn();
	test_next();
	test_pinned();
	return test_end();
}
