/*
 * FAULTS=: what goes wrong in a run, by the seed. An allocation fails; an interrupt comes late, or
 * once more; a core stands still for long; a frame is lost, late or there twice; input comes in pieces. What is decided here is an event
 * of step.c, or makes others: so a schedule can be followed, and made shorter, with its faults.
 */
#include <stdatomic.h>

#include "debug/failing.h"
#include "sim.h"

static const char *const names[SIM_FAULTS] = {"memory", "late", "stall", "net", "input"};

/* One in so many decisions. */
enum { LATE_ONE_IN = 32, AGAIN_ONE_IN = 64, STALL_ONE_IN = 256, FRAME_ONE_IN = 8 };
/* The longest, as powers of two: allocations until one fails; steps that something takes. */
enum { MOST_ALLOCATIONS = 10, LEAST_STALL = 10, MOST_STALL = 20, MOST_LATE = 16 };

static uint64_t late_until[MAX_CORES];  /* in steps of the core */
static uint64_t stall_until[MAX_CORES]; /* in steps of all */

static bool wanted(enum sim_fault fault)
{
	return sim_run.begun && !sim_run.follow && sim_run.faults & 1u << fault;
}

/* How long word is that text begins with, up to a comma, if it is word; else 0. */
static size_t begins_with(const char *text, const char *word)
{
	size_t n = 0;

	while (word[n] && text[n] == word[n])
		n++;
	return !word[n] && (!text[n] || text[n] == ',') ? n : 0;
}

unsigned sim_faults_named(const char *list)
{
	unsigned faults = 0;

	if (!*list || (begins_with(list, "none") && !list[4]))
		return 0;
	if (begins_with(list, "all") && !list[3])
		return (1u << SIM_FAULTS) - 1;
	for (const char *at = list;; at++) {
		size_t n = 0;

		for (int i = 0; i < SIM_FAULTS && !n; i++)
			if ((n = begins_with(at, names[i])) > 0)
				faults |= 1u << i;
		if (!n)
			sim_usage("FAULTS", ": none, all, or of memory,late,stall,net,input, not ",
				  list);
		at += n;
		if (!*at)
			return faults;
	}
}

void sim_trouble_begin(struct sim_events *events)
{
	long n = 0;

	if (wanted(SIM_FAULT_MEMORY) && sim_draw() % 4)
		n = 1 + (long)(sim_draw() % (UINT64_C(1) << sim_draw() % (MOST_ALLOCATIONS + 1)));
	sim_fails_at(n);
	if (events)
		events->fails_at = n;
}

void sim_fails_at(long n)
{
	*(volatile long *)&failing_countdown = n;
}

bool sim_frame_is_lost(void)
{
	return wanted(SIM_FAULT_NET) && sim_draw() % FRAME_ONE_IN == 0;
}

bool sim_interrupt_is_late(void)
{
	int here = (int)(sim_here - sim_cores);

	if (!wanted(SIM_FAULT_LATE))
		return false;
	if (late_until[here] <= sim_here->steps && sim_draw() % LATE_ONE_IN == 0)
		late_until[here] = sim_here->steps + (UINT64_C(1) << sim_draw() % (MOST_LATE + 1));
	return late_until[here] > sim_here->steps;
}

bool sim_interrupt_comes_again(void)
{
	return wanted(SIM_FAULT_LATE) && sim_draw() % AGAIN_ONE_IN == 0;
}

int sim_without_stalled(struct sim_core **can, int n)
{
	struct sim_core *left[SIM_MOST_CORES];
	int some = 0;

	if (!wanted(SIM_FAULT_STALL) || n < 2)
		return n;
	if (sim_draw() % STALL_ONE_IN == 0) {
		unsigned power = LEAST_STALL +
				 (unsigned)(sim_draw() % (MOST_STALL - LEAST_STALL + 1));

		stall_until[can[sim_draw() % (uint64_t)n] - sim_cores] = sim_run.steps +
									 (UINT64_C(1) << power);
	}
	for (int i = 0; i < n; i++)
		if (stall_until[can[i] - sim_cores] <= sim_run.steps)
			left[some++] = can[i];
	if (!some) /* somebody has to go on */
		return n;
	for (int i = 0; i < some; i++)
		can[i] = left[i];
	return some;
}

size_t sim_input_that_comes(size_t n)
{
	return sim_run.faults & 1u << SIM_FAULT_INPUT && n > 1 ? 1 + (size_t)(sim_random() % n) : n;
}
