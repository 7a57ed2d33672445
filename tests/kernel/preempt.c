/* Preemption: nobody who computes can keep the others out, at any quantum. */
#include "test.h"

static struct waitgroup all;
static _Atomic bool stop;
static _Atomic int progress[64];

static void hog(void *arg)
{
	uint64_t start = time_now();

	(void)arg;
	while (!stop && patience(start))
		;
	expect(stop);
	waitgroup_done(&all);
}

/* A hog that makes no call at all, not even for the time. */
static void deaf_hog(void *arg)
{
	volatile unsigned *count = arg;

	while (!stop)
		++*count;
	waitgroup_done(&all);
}

static void step_on(void *arg)
{
	int core = (int)(intptr_t)arg;

	while (!stop) {
		progress[core]++;
		go_yield();
	}
	waitgroup_done(&all);
}

static bool all_reached(int n)
{
	for (int core = 0; core < runtime_cores(); core++)
		if (progress[core] < n)
			return false;
	return true;
}

static void hogs_on_every_core(uint64_t quantum, int steps)
{
	static volatile unsigned counts[64];
	uint64_t old = runtime_set_quantum(quantum), start = time_now();

	stop = false;
	for (int core = 0; core < runtime_cores(); core++) {
		struct go_options here = {.core = 1 + core};
		progress[core] = 0;
		waitgroup_add(&all, 3);
		go_with(&here, hog, NULL);
		go_with(&here, deaf_hog, (void *)&counts[core]);
		go_with(&here, step_on, (void *)(intptr_t)core);
	}
	while (!all_reached(steps) && patience(start))
		time_sleep(NSEC_PER_MSEC);
	expect(all_reached(steps));
	stop = true;
	waitgroup_wait(&all);
	runtime_set_quantum(old);
}

/* ---- More hogs than cores, all free to move; a sleeper and a newcomer still run. ---- */

static void newcomer(void *arg)
{
	*(_Atomic bool *)arg = true;
}

static void test_newcomers(void)
{
	uint64_t start = time_now();

	stop = false;
	for (int i = 0; i < runtime_cores() * 2 + 1; i++) {
		waitgroup_add(&all, 1);
		go(hog, NULL);
	}
	for (int i = 0; i < 3; i++) {
		_Atomic bool came = false;
		time_sleep(NSEC_PER_MSEC);
		go(newcomer, &came);
		while (!came && patience(start))
			go_yield();
		expect(came);
	}
	stop = true;
	waitgroup_wait(&all);
	verdict("sleepers and newcomers run beside hogs");
}

/* ---- A pair that wakes each other for ever shares one slice ---- */

static struct chan *there, *back;

static void bounce(void *arg)
{
	int value = 0;

	(void)arg;
	while (chan_recv(there, &value) == 0)
		chan_send(back, &value);
	waitgroup_done(&all);
}

static void play(void *arg)
{
	int value = 0;

	(void)arg;
	while (!stop) {
		chan_send(there, &value);
		chan_recv(back, &value);
	}
	chan_close(there);
	waitgroup_done(&all);
}

static void bystander(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		go_yield();
	stop = true;
	waitgroup_done(&all);
}

static void test_pair(void)
{
	struct go_options here = {.core = 1};

	there = chan_of(int, 0);
	back = chan_of(int, 0);
	stop = false;
	waitgroup_add(&all, 3);
	go_with(&here, bounce, NULL);
	go_with(&here, play, NULL);
	go_with(&here, bystander, NULL);
	waitgroup_wait(&all);
	chan_free(there);
	chan_free(back);
	check(true, "a pair that wakes each other does not keep others out (pinned)");

	there = chan_of(int, 0);
	back = chan_of(int, 0);
	stop = false;
	runtime_procs(1);
	waitgroup_add(&all, 3);
	go(bounce, NULL);
	go(play, NULL);
	go(bystander, NULL);
	waitgroup_wait(&all);
	runtime_procs(runtime_cores());
	chan_free(there);
	chan_free(back);
	check(true, "a pair that wakes each other does not keep others out (free, one proc)");
}

/* ---- Quantum 0 ---- */

static _Atomic bool peer_ran;

static void peer(void *arg)
{
	(void)arg;
	peer_ran = true;
	waitgroup_done(&all);
}

static void test_off(void)
{
	uint64_t old = runtime_set_quantum(0), start;

	go_pin(0);
	peer_ran = false;
	waitgroup_add(&all, 1);
	go_with(&(struct go_options){.core = 1}, peer, NULL);
	spin_ns(60 * NSEC_PER_MSEC);
	check(!peer_ran, "quantum 0: nobody is preempted");

	runtime_set_quantum(NSEC_PER_MSEC);
	start = time_now();
	while (!peer_ran && patience(start))
		;
	check(peer_ran, "a new quantum holds for one who runs already");
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	go_pin(-1);
}

static void test_stats(void)
{
	struct runtime_stats before, after;

	runtime_stats(&before);
	hogs_on_every_core(100 * NSEC_PER_USEC, 20);
	runtime_stats(&after);
	expect(after.preemptions >= before.preemptions + 10);
	expect(after.switches > before.switches);
	verdict("preemptions are counted");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	hogs_on_every_core(10 * NSEC_PER_MSEC, 10);
	verdict("hogs on every core do not stop the others, quantum 10 ms");
	/* Under emulation a timer takes the host's time: the more cores, the longer. */
	hogs_on_every_core(10 * NSEC_PER_USEC, amount(240) / runtime_cores());
	verdict("hogs on every core do not stop the others, quantum 10 us");
	test_newcomers();
	test_pair();
	test_off();
	test_stats();
	return test_end();
}
