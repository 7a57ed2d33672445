/* The kernel about itself: cores, procs, statistics, quantum, processor time. */
#include "test.h"

static struct waitgroup all;
static struct event never;
static _Atomic bool stop;

static void nothing(void *arg)
{
	(void)arg;
}

/* ---- Cores and procs ---- */

static _Atomic uint64_t seen;

static void look_around(void *arg)
{
	for (int i = 0; i < (int)(intptr_t)arg; i++) {
		seen |= 1ull << runtime_core();
		spin_ns(20 * NSEC_PER_USEC);
		go_yield();
	}
	waitgroup_done(&all);
}

static int cores_used(void)
{
	seen = 0;
	waitgroup_add(&all, 40);
	for (int i = 0; i < 40; i++)
		go(look_around, (void *)(intptr_t)20);
	waitgroup_wait(&all);
	return __builtin_popcountll(seen);
}

static void test_procs(void)
{
	int cores = runtime_cores();

	check(test_smp == 0 || cores == test_smp, "%d cores came up", cores);
	check(runtime_core() >= 0 && runtime_core() < cores, "runtime_core is one of them");

	expect_eq(runtime_procs(0), cores);
	expect_eq(runtime_procs(1), cores);
	expect_eq(runtime_procs(-5), 1);
	expect_eq(runtime_procs(1000000), 1);
	expect_eq(runtime_procs(0), cores);
	verdict("runtime_procs returns the old value, and all for too many");

	for (int procs = 1; procs <= cores; procs = procs * 2 + 1) {
		runtime_procs(procs);
		until_procs_known();
		expect(cores_used() <= procs);
	}
	runtime_procs(cores);
	verdict("no more cores than asked for run coroutines");

	waitgroup_add(&all, 60);
	for (int i = 0; i < 60; i++)
		go(look_around, (void *)(intptr_t)50);
	for (int i = 0; i < 30; i++) {
		runtime_procs(1 + i * 7 % cores);
		time_sleep(200 * NSEC_PER_USEC);
	}
	waitgroup_wait(&all);
	runtime_procs(cores);
	expect_eq(runtime_procs(0), cores);
	check(true, "procs go up and down while coroutines run");

	runtime_procs(1);
	for (int core = 0; core < cores; core++) {
		seen = 0;
		waitgroup_add(&all, 1);
		go_with(&(struct go_options){.core = 1 + core}, look_around, (void *)(intptr_t)3);
		waitgroup_wait(&all);
		expect_eq(seen, 1ull << core);
	}
	runtime_procs(cores);
	verdict("what is pinned to another core still runs there");
}

/* ---- Statistics ---- */

static void wait_event(void *arg)
{
	event_wait(arg);
	waitgroup_done(&all);
}

/* Who counts as parked there waits: the lock of the semaphore is between the two. */
static void wait_sema(void *arg)
{
	sema_acquire(arg);
	waitgroup_done(&all);
}

static void test_stats(void)
{
	static struct sema semas[100];
	struct runtime_stats s, t;

	until_alone();
	runtime_stats(&s);
	expect_eq(s.live, 1);
	expect_eq(s.spawned - s.exited, 1);
	expect_eq(s.parked, 0);
	expect_eq(s.runnable, 0);
	waitgroup_add(&all, 100);
	for (int i = 0; i < 100; i++)
		go(wait_sema, &semas[i]);
	until_parked(100);
	runtime_stats(&t);
	expect_eq(t.spawned, s.spawned + 100);
	expect_eq(t.exited, s.exited);
	expect_eq(t.live, 101);
	expect_eq(runtime_count(), 101);
	expect_eq(t.parked, 100);
	expect_eq(t.runnable, 0);
	expect(t.switches > s.switches);
	expect(t.stack_bytes > s.stack_bytes);
	expect(t.free_bytes <= s.free_bytes + (1 << 18)); /* cores may give back what they keep */
	for (int i = 0; i < 100; i++)
		sema_release(&semas[i]);
	waitgroup_wait(&all);
	until_alone();
	runtime_stats(&t);
	expect_eq(t.live, 1);
	expect_eq(t.spawned - t.exited, 1);
	expect_eq(t.parked, 0);
	expect(t.wakeups >= s.wakeups + 100);
	verdict("spawned, exited, live, parked, wakeups add up");

	runtime_stats(&s);
	char *volatile block = malloc(1000000); /* volatile: the compiler must not leave it out */
	memset(block, 1, 1000000);
	runtime_stats(&t);
	expect(t.heap_bytes >= s.heap_bytes + 1000000 && t.heap_bytes < s.heap_bytes + 2000000);
	expect(t.free_bytes > 0);
	free(block);
	runtime_stats(&t);
	expect(t.heap_bytes <= s.heap_bytes + 1000);
	verdict("heap_bytes follows malloc and free");

	/* Where the core stands still on its way to sleep, the time may be over when it comes to that. */
	uint64_t start = time_now();
	do {
		runtime_stats(&s);
		time_sleep(30 * NSEC_PER_MSEC);
		runtime_stats(&t);
	} while (t.idle_ns - s.idle_ns < 10 * NSEC_PER_MSEC && patience(start));
	expect(t.idle_ns - s.idle_ns >= 10 * NSEC_PER_MSEC);
	verdict("idle_ns grows while all sleep");
}

/* ---- Quantum and processor time ---- */

static void test_quantum(void)
{
	expect_eq(runtime_set_quantum(50 * NSEC_PER_USEC), 10 * NSEC_PER_MSEC);
	expect_eq(runtime_set_quantum(0), 50 * NSEC_PER_USEC);
	expect_eq(runtime_set_quantum(1), 0);
	expect_eq(runtime_set_quantum(10 * NSEC_PER_USEC), 10 * NSEC_PER_USEC);
	expect_eq(runtime_set_quantum(10 * NSEC_PER_MSEC), 10 * NSEC_PER_USEC);
	verdict("runtime_set_quantum: 10 ms at first, at least 10 us, the old value comes back");
}

static void sleeper_cpu(void *arg)
{
	uint64_t a, b;

	runtime_cpu_ns(&a);
	time_sleep(50 * NSEC_PER_MSEC);
	runtime_cpu_ns(&b);
	*(uint64_t *)arg = b - a;
	waitgroup_done(&all);
}

static void test_cpu_ns(void)
{
	uint64_t a, b, slept = 0, start = time_now();

	expect_eq(runtime_cpu_ns(&a), 0);
	expect(a <= time_now());
	spin_ns(5 * NSEC_PER_MSEC);
	expect_eq(runtime_cpu_ns(&b), 0);
	expect(b > a);
	expect(b - a <= time_now() - start);
	/* Where its core stands still while it is about to sleep, it has used that time. */
	do {
		waitgroup_add(&all, 1);
		go(sleeper_cpu, &slept);
		waitgroup_wait(&all);
	} while (slept >= 50 * NSEC_PER_MSEC && patience(start));
	expect(slept < 50 * NSEC_PER_MSEC);
	verdict("runtime_cpu_ns counts computing, not sleeping");
}

static void switches_often(void *arg)
{
	_Atomic int *over = arg;

	for (int i = 0; i < amount(1000); i++) {
		uint64_t a, b, start = time_now();

		runtime_cpu_ns(&a);
		if (i % 3)
			go_yield();
		else
			time_sleep(NSEC_PER_USEC);
		runtime_cpu_ns(&b);
		*over += b < a || b - a > time_now() - start;
	}
	waitgroup_done(&all);
}

static void test_cpu_at_most_time(void)
{
	_Atomic int over = 0;

	waitgroup_add(&all, 6);
	for (int i = 0; i < 6; i++)
		go(switches_often, &over);
	waitgroup_wait(&all);
	check(over == 0, "nobody uses more processor time than passes");
}

/* ---- Counters ---- */

static void idles_and_wakes(void *arg)
{
	while (!stop)
		time_sleep(20 * NSEC_PER_USEC);
	waitgroup_done(&all);
}

static void test_never_back(void)
{
	struct runtime_stats s = {0}, t;

	stop = false;
	waitgroup_add(&all, 2);
	for (int i = 0; i < 2; i++)
		go(idles_and_wakes, NULL);
	for (int i = 0; i < amount(3000); i++, s = t) {
		runtime_stats(&t);
		expect(t.idle_ns >= s.idle_ns &&
		       t.idle_ns < time_now() * (unsigned)runtime_cores());
		expect(t.spawned >= s.spawned && t.exited >= s.exited);
		expect(t.switches >= s.switches && t.preemptions >= s.preemptions);
		expect(t.steals >= s.steals && t.wakeups >= s.wakeups && t.ipis >= s.ipis);
		if (i % 16 == 0)
			time_sleep(10 * NSEC_PER_USEC);
	}
	stop = true;
	waitgroup_wait(&all);
	verdict("no counter goes back");
}

/* ---- Lists ---- */

static void test_list(void)
{
	struct runtime_co list[8];
	struct runtime_core_stats core;
	uint64_t start = time_now();
	int n;

	/* The last that has ended may be there a moment longer; and who waits may still use its stack. */
	while (runtime_list(list, 8) != 1 && patience(start))
		go_yield();
	go_with(&(struct go_options){.name = "waiter"}, wait_event, &never);
	do {
		go_yield();
		n = runtime_list(list, 8);
	} while ((n < 2 || strcmp(list[1].state, "waiting") || !list[1].stack_used) &&
		 patience(start));
	expect_eq(n, 2);
	expect_eq(list[0].id, 1);
	expect(strcmp(list[0].name, "main") == 0);
	expect(strcmp(list[0].state, "running") == 0);
	expect(list[1].id > 1);
	expect(strcmp(list[1].name, "waiter") == 0);
	expect(strcmp(list[1].state, "waiting") == 0);
	expect(list[1].reason != NULL && list[1].reason[0] != '\0');
	expect(list[1].stack_used > 0 && list[1].stack_used <= list[1].stack_high);
	expect(list[1].stack_high <= list[1].stack_limit);
	expect(list[1].stack_limit <= 256 * 1024);
	list[1].id = 0;
	expect_eq(runtime_list(list, 1), 2);
	expect_eq(list[1].id, 0);
	verdict("runtime_list shows who is there");

	for (int i = 0; i < runtime_cores(); i++)
		expect_eq(runtime_core_stats(i, &core), 0);
	expect_eq(runtime_core_stats(runtime_cores(), &core), -EINVAL);
	expect_eq(runtime_core_stats(-1, &core), -EINVAL);
	expect(runtime_processor() != NULL && runtime_processor()[0] != '\0');
	expect(runtime_memory() > 8 * 1024 * 1024);
	verdict("cores, processor and memory");
}

/* ---- Names of those that end meanwhile ---- */

static void brief(void *arg)
{
	go_yield();
}

static void spawn_named(void *arg)
{
	while (!stop) {
		for (int i = 0; i < 20; i++)
			go_with(&(struct go_options){.name = "own name"}, brief, NULL);
		go_yield();
	}
	waitgroup_done(&all);
}

/* Takes what is given back, and leaves something in it. */
static void fill_blocks(void *arg)
{
	while (!stop) {
		char *p[30];

		for (int i = 0; i < 30; i++)
			if ((p[i] = malloc(9)))
				memcpy(p[i], "not one", 8);
		for (int i = 0; i < 30; i++)
			free(p[i]);
	}
	waitgroup_done(&all);
}

static bool is_a_name(const char *name)
{
	static const char *const names[] = {
		"", "main", "own name", "spawn_named", "fill_blocks", "waiter"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void test_names(void)
{
	static struct runtime_co list[2000];
	struct runtime_core_stats stats;
	uint64_t quantum = runtime_set_quantum(100 * NSEC_PER_USEC);
	uint64_t end = time_now() + 600 * NSEC_PER_MSEC;
	int looks = 0;

	stop = false;
	waitgroup_add(&all, 8);
	for (int i = 0; i < 4; i++) {
		go(spawn_named, NULL);
		go(fill_blocks, NULL);
	}
	for (; looks < 200 || time_now() < end; looks++) {
		int n = runtime_list(list, 2000);

		for (int i = 0; i < n && i < 2000; i++) {
			expect(is_a_name(list[i].name));
			expect(list[i].id > 0 && (i == 0 || list[i].id > list[i - 1].id));
			expect(list[i].stack_used <= list[i].stack_high);
		}
		for (int core = 0; core < runtime_cores(); core++) {
			expect_eq(runtime_core_stats(core, &stats), 0);
			expect(is_a_name(stats.name) && !stats.running == !stats.name[0]);
		}
	}
	stop = true;
	waitgroup_wait(&all);
	runtime_set_quantum(quantum);
	verdict("a list has the names of coroutines, whatever ends meanwhile");
}

static void test_irq(void)
{
	expect_eq(irq_attach(1000000, nothing, NULL), -EINVAL);
	expect_eq(irq_attach(40, NULL, NULL), -EINVAL);
	expect_eq(irq_detach(1000000), -EINVAL);
	expect_eq(irq_detach(45), -EINVAL);
	verdict("interrupts that are not there");
}

static uint64_t began, computing, sent; /* when main did */

/* Has run until it waited, which was before main computed, and since main has sent. */
static void ask_cpu_ns(void *arg)
{
	uint64_t ns = 0;
	int go_on;

	chan_recv(arg, &go_on);
	expect_eq(runtime_cpu_ns(&ns), 0);
	expect(ns < computing - began + (time_now() - sent) + 150 * NSEC_PER_MSEC);
}

/* Before anybody has asked, time is counted roughly: what one computes while nobody waits is not
 * what the next one has used. */
static void test_first_cpu_ns(void)
{
	struct chan *c = chan_of(int, 0);
	struct waitgroup wg = {0};
	struct runtime_co list[8];
	uint64_t ns = 0;
	int n = 1;

	began = time_now();
	waitgroup_go(&wg, ask_cpu_ns, c);
	do {
		go_yield();
		n = runtime_list(list, 8);
	} while (strcmp(list[n - 1].state, "waiting") != 0);
	computing = time_now();
	while (time_now() < computing + 300 * NSEC_PER_MSEC)
		;
	sent = time_now();
	chan_send(c, &n);
	waitgroup_wait(&wg);
	expect_eq(runtime_cpu_ns(&ns), 0);
	expect(ns > 150 * NSEC_PER_MSEC);
	chan_free(c);
	verdict("processor time is that of who computed, before anybody has asked for it too");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 18);
	test_first_cpu_ns();
	test_quantum();
	test_procs();
	test_stats();
	test_cpu_ns();
	test_cpu_at_most_time();
	test_never_back();
	test_list();
	test_names();
	test_irq();
	return test_end();
}
