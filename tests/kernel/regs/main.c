/*
 * Registers are kept through preemption, at any instruction, and through switches, what a call
 * keeps. Several coroutines a core fill all registers and look at them after a while; others use
 * them differently, interrupts come from sleepers.
 */
#include "../test.h"
#include "regs.h"

static struct waitgroup all;
static _Atomic bool stop;
static _Atomic int differences;

static void report(const struct regs_block *in, const struct regs_block *out, int kept)
{
	const char *name = regs_differ(in, out, kept);

	if (name != NULL && differences++ < 10)
		printf("# coroutine %llu on core %d: %s has changed\n", (unsigned long long)go_id(),
		       runtime_core(), name);
}

static void spinner(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct regs_block in, out;

	for (int i = 0; i < amount(60); i++) {
		regs_fill(&in, &random);
		memset(&out, 0, sizeof out);
		regs_spin(&in, &out, 1 + test_random(&random) % 60000);
		report(&in, &out, 0);
	}
	waitgroup_done(&all);
}

static void caller(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	struct regs_block in, out;

	for (int i = 0; i < amount(300); i++) {
		regs_fill(&in, &random);
		memset(&out, 0, sizeof out);
		regs_call(&in, &out, go_yield);
		report(&in, &out, 1);
	}
	waitgroup_done(&all);
}

/* Leaves other values everywhere, and takes interrupts. */
static void disturber(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	volatile double sum = 1.0;

	while (!stop) {
		for (int i = 0; i < 100; i++)
			sum = sum * 1.0001 + (double)i / 3.0;
		time_sleep(test_random(&random) % (200 * NSEC_PER_USEC));
	}
	waitgroup_done(&all);
}

/* Two of the same stack: the first writes to all words from its frame to the end, where nobody returns to;
 * the other looks what its registers are. */
enum { TRACE = 0x7ace7ace, WORDS = 6 };
static int traces;

static void leave_or_find(void *finds)
{
	uint64_t kept[REGS_KEPT] = {0};
	volatile uint64_t *at = __builtin_frame_address(0);

	regs_kept(kept);
	for (int i = 0; i < REGS_KEPT; i++)
		traces += kept[i] == TRACE;
	for (int i = 0; !finds && i < WORDS; i++)
		at[i] = TRACE;
	go_exit();
}

/* On one core, so that each has the stack of the one before. */
static void one_after_the_other(void *unused)
{
	(void)unused;
	for (uintptr_t i = 0; i < 20; i++) {
		size_t before = runtime_count();

		go_with(&(struct go_options){.core = 1}, leave_or_find, (void *)(i % 2));
		while (runtime_count() > before)
			go_yield();
	}
	waitgroup_done(&all);
}

static void run(go_fn *fn, int per_core, bool pin)
{
	for (int core = 0; core < runtime_cores(); core++)
		for (int i = 0; i < per_core; i++) {
			waitgroup_add(&all, 1);
			go_with(&(struct go_options){.core = pin ? 1 + core : 0}, fn,
				(void *)(uintptr_t)(core * 1000 + i * 77 + 1));
		}
}

int main(int argc, char **argv)
{
	struct runtime_stats before, after;
	uint64_t start = time_now();

	test_begin(argc, argv, 6);
	waitgroup_add(&all, 1);
	go_with(&(struct go_options){.core = 1}, one_after_the_other, NULL);
	waitgroup_wait(&all);
	check(traces == 0, "who begins finds nothing in registers of who had the stack before");
	run(caller, 3, false);
	waitgroup_wait(&all);
	check(differences == 0, "what a call keeps is kept through a switch");

	runtime_set_quantum(10 * NSEC_PER_USEC);
	runtime_stats(&before);
	do { /* until there were enough: how many there are in a time is the host's affair */
		run(spinner, 3, true);
		waitgroup_wait(&all);
		runtime_stats(&after);
	} while (after.preemptions - before.preemptions <= 100 && patience(start));
	check(differences == 0, "registers are kept through preemption: pinned; %s", regs_extra());
	check(after.preemptions - before.preemptions > 100, "there were more than 100 preemptions");

	run(spinner, 4, false);
	waitgroup_wait(&all);
	check(differences == 0, "registers are kept through preemption: moving");

	run(disturber, 1, true);
	run(spinner, 2, false);
	run(caller, 2, false);
	while (runtime_count() > (size_t)runtime_cores() + 1)
		time_sleep(NSEC_PER_MSEC);
	stop = true;
	waitgroup_wait(&all);
	check(differences == 0, "registers are kept beside sleepers and interrupts");
	return test_end();
}
