/*
 * Strategies: by what a seed's decisions are drawn.
 *
 * random: a decision every few accesses, each core as likely as another.
 * sticky: the same every hundred or thousand accesses: some faults want one core to get far while
 * another stands still in the middle of something.
 * pct: probabilistic concurrency testing (Burckhardt and others, A randomized scheduler with
 * probabilistic guarantees of finding bugs, ASPLOS 2010): cores have priorities, the highest that can
 * goes on, and at a few places, drawn from all steps of a run, that one becomes the lowest. So it does
 * after many steps, for what it does may be to wait for the others.
 * mix: one of the others, by the seed.
 */
#include "sim.h"

const char *const sim_strategy_names[SIM_STRATEGIES] = {"mix", "random", "sticky", "pct"};

enum { MOST_CHANGES = 8, PATIENCE = 20000, APP_WEIGHT = 64 };

static enum sim_strategy strategy;
static uint64_t state;
static uint64_t mask; /* a power of two less one: the most steps between two decisions */

/* pct */
static int64_t priority[MAX_CORES], lowest;
static uint64_t change_at[MOST_CHANGES]; /* in steps of all cores */
static int changes;
static uint64_t changed_at;

/* SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. */
uint64_t sim_draw(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void pct_begin(uint64_t steps)
{
	for (int i = 0; i < MAX_CORES; i++)
		priority[i] = (int64_t)(sim_draw() >> 1);
	lowest = 0;
	changes = 1 + (int)(sim_draw() % MOST_CHANGES);
	for (int i = 0; i < changes; i++)
		change_at[i] = sim_run.steps + sim_draw() % (steps + 1);
}

void sim_strategy_begin(enum sim_strategy chosen, uint64_t seed, uint64_t steps)
{
	state = seed;
	strategy = chosen;
	if (chosen == SIM_MIX)
		strategy = SIM_RANDOM + sim_draw() % (SIM_STRATEGIES - SIM_RANDOM);
	/* Three in four: where the application is, not in the kernel. */
	sim_run.app_weight = sim_draw() % 4 ? APP_WEIGHT : 1;
	switch (strategy) {
	case SIM_STICKY:
		mask = (UINT64_C(1) << (5 + sim_draw() % 8)) - 1;
		break;
	case SIM_PCT:
		mask = 7;
		pct_begin(steps);
		break;
	default:
		mask = (UINT64_C(1) << sim_draw() % 5) - 1;
		break;
	}
	mask = (mask + 1) * (uint64_t)sim_run.app_weight - 1;
}

int64_t sim_strategy_gap(void)
{
	return (int64_t)(sim_draw() & mask);
}

/* One of the places has been passed. */
static bool pct_changes(void)
{
	for (int i = 0; i < changes; i++)
		if (change_at[i] <= sim_run.steps) {
			change_at[i] = change_at[--changes];
			return true;
		}
	return false;
}

int sim_strategy_choose(struct sim_core *const *can, int n)
{
	int best = 0;

	if (strategy != SIM_PCT)
		return (int)(sim_draw() % (uint64_t)n);
	if (pct_changes() || sim_run.steps - changed_at > PATIENCE) {
		priority[can[0] - sim_cores] = --lowest;
		changed_at = sim_run.steps;
	}
	for (int i = 1; i < n; i++)
		if (priority[can[i] - sim_cores] > priority[can[best] - sim_cores])
			best = i;
	return best;
}

bool sim_strategy_interrupts(void)
{
	return sim_draw() & 1;
}

bool sim_strategy_time_passes(void)
{
	return sim_draw() % (strategy == SIM_RANDOM ? 64 : 16) == 0;
}

void sim_strategy_waits(const struct sim_core *core)
{
	priority[core - sim_cores] = --lowest;
}
