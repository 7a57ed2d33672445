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
 * pos: partial order sampling (Yuan, Yang, Gu, Partial order aware concurrency sampling, CAV 2018): what each
 * core does next has a priority of its own, drawn anew for each operation; the highest goes first. An
 * interrupt that waits has one, too. Where an operation is done, those of others that conflict with it have
 * theirs drawn anew in half of the runs: what needs one core to be kept waiting at a place that others come to
 * is found sooner without. An operation is an access, or in some runs a stretch that begins with one.
 * urw: a uniform random walk (Zhao, Wolff, Mathur, Roychoudhury, Selectively uniform concurrency
 * testing, ASPLOS 2025): who has more left to do goes on more often, so that all interleavings are
 * about as likely. How much a coroutine does is what it did in the run that was measured. There steps of
 * the application count for more than those of the kernel, see sim_step.
 * mix: one of the others, by the seed.
 */
#include "sim.h"

const char *const sim_strategy_names[SIM_STRATEGIES] = {"mix", "random", "sticky",
							"pct", "pos",    "urw"};

enum { MOST_CHANGES = 8, PATIENCE = 20000, LONG_PATIENCE = 64 * PATIENCE, LITTLE = 64 };

const int64_t sim_weights[SIM_WEIGHTS] = {1, 64};

static enum sim_strategy strategy;
static uint64_t state, random_state;
static uint64_t mask; /* a power of two less one: the most steps between two decisions */

/* pct and pos */
static int64_t priority[MAX_CORES], lowest;
/* pos: those of operations that conflict with the one that is done are drawn anew, in this run */
static bool conflicts_count;
/* pos: of the interrupt that waits at a core */
static int64_t interrupt_priority[MAX_CORES];
/* pct */
static uint64_t change_at[MOST_CHANGES]; /* in steps of all cores */
static int changes;
/* pct and pos */
static uint64_t changed_at;

/* urw */
static struct sim_work left;
static uint64_t little; /* who has done more than was measured has that left */

/* SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. */
static uint64_t next_of(uint64_t *from)
{
	uint64_t z = *from += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t sim_draw(void)
{
	return next_of(&state);
}

void sim_random_begin(uint64_t seed)
{
	random_state = ~seed;
}

uint64_t sim_random(void)
{
	return next_of(&random_state);
}

static int64_t draw_priority(void)
{
	return (int64_t)(sim_draw() >> 1);
}

static void draw_priorities(void)
{
	for (int i = 0; i < MAX_CORES; i++) {
		priority[i] = draw_priority();
		interrupt_priority[i] = draw_priority();
	}
	lowest = 0;
}

static void pct_begin(uint64_t steps)
{
	draw_priorities();
	changes = 1 + (int)(sim_draw() % MOST_CHANGES);
	for (int i = 0; i < changes; i++)
		change_at[i] = sim_run.steps + sim_draw() % (steps + 1);
}

static void urw_begin(const struct sim_work *work)
{
	left = *work;
	little = work->all / LITTLE + 1;
}

void sim_strategy_begin(enum sim_strategy chosen, uint64_t seed, const struct sim_work *measured)
{
	const struct sim_work *work;

	state = seed;
	strategy = chosen;
	if (chosen == SIM_MIX)
		strategy = SIM_RANDOM + sim_draw() % (SIM_STRATEGIES - SIM_RANDOM);
	/* Three in four: where the application is, not in the kernel. */
	work = &measured[sim_draw() % 4 != 0];
	sim_run.app_weight = sim_weights[work - measured];
	switch (strategy) {
	case SIM_STICKY:
		mask = (UINT64_C(1) << (5 + sim_draw() % 8)) - 1;
		break;
	case SIM_PCT:
		mask = 7;
		pct_begin(work->all);
		break;
	case SIM_POS:
		draw_priorities();
		conflicts_count = sim_draw() & 1;
		mask = (UINT64_C(1) << sim_draw() % 4) - 1;
		break;
	case SIM_URW:
		urw_begin(work);
		mask = (UINT64_C(1) << sim_draw() % 4) - 1;
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

/* Which of them a core's coroutine is. */
static uint64_t *steps_of(struct sim_work *work, const struct co *co)
{
	return &work->steps[co->id % SIM_KNOWN];
}

void sim_work_done(struct sim_work *work, const struct co *co, uint64_t steps)
{
	work->all += steps;
	*steps_of(work, co) += steps;
}

void sim_strategy_worked(const struct co *co, uint64_t steps)
{
	uint64_t *has;

	if (strategy != SIM_URW)
		return;
	has = steps_of(&left, co);
	*has -= steps < *has ? steps : *has;
}

static int choose_by_work(struct sim_core *const *can, int n)
{
	uint64_t has[SIM_MOST_CORES], all = 0, at;
	int i;

	for (i = 0; i < n; i++) {
		const struct co *co = can[i] == sim_here ? sim_current : can[i]->current;

		has[i] = *steps_of(&left, co) + little;
		all += has[i];
	}
	at = sim_draw() % all;
	for (i = 0; at >= has[i]; i++)
		at -= has[i];
	return i;
}

static int highest(struct sim_core *const *can, int n)
{
	int best = 0;

	for (int i = 1; i < n; i++)
		if (priority[can[i] - sim_cores] > priority[can[best] - sim_cores])
			best = i;
	return best;
}

/* What core is about to do and what another is conflict: the same 8 bytes, and one writes. */
static bool conflict(const struct sim_core *core, const struct sim_core *other)
{
	return core->next_at && core->next_at >> 3 == other->next_at >> 3 &&
	       (core->next_how | other->next_how) & SIM_WRITE;
}

static int choose_by_order(struct sim_core *const *can, int n)
{
	int best;

	/* One in a thousand million is so low that a core which waits for it in a loop never draws a lower one. */
	if (sim_run.steps - changed_at > LONG_PATIENCE) {
		draw_priorities();
		changed_at = sim_run.steps;
	}
	/* What the first was to do is done. */
	if (can[0] == sim_here)
		priority[can[0] - sim_cores] = draw_priority();
	best = highest(can, n);
	for (int i = 0; conflicts_count && i < n; i++)
		if (i != best && conflict(can[best], can[i]))
			priority[can[i] - sim_cores] = draw_priority();
	return best;
}

int sim_strategy_choose(struct sim_core *const *can, int n)
{
	switch (strategy) {
	case SIM_URW:
		return choose_by_work(can, n);
	case SIM_POS:
		return choose_by_order(can, n);
	case SIM_PCT:
		if (pct_changes() || sim_run.steps - changed_at > PATIENCE) {
			priority[can[0] - sim_cores] = --lowest;
			changed_at = sim_run.steps;
		}
		return highest(can, n);
	default:
		return (int)(sim_draw() % (uint64_t)n);
	}
}

bool sim_strategy_interrupts(void)
{
	int here = (int)(sim_here - sim_cores);

	if (strategy != SIM_POS)
		return sim_draw() & 1;
	if (interrupt_priority[here] < priority[here]) {
		priority[here] = draw_priority(); /* what it does next */
		return false;
	}
	interrupt_priority[here] = draw_priority();
	return true;
}

bool sim_strategy_time_passes(void)
{
	return sim_draw() % (strategy == SIM_RANDOM ? 64 : 16) == 0;
}

bool sim_strategy_card(void)
{
	return sim_draw() % 4 == 0;
}

bool sim_strategy_rings(void)
{
	return sim_draw() % 32 == 0;
}

int sim_strategy_old(int n)
{
	uint64_t draw = sim_draw();

	return draw % (sim_weakens ? 2 : 8) ? 0 : 1 + (int)((draw >> 8) % (uint64_t)(n - 1));
}

void sim_strategy_waits(const struct sim_core *core)
{
	priority[core - sim_cores] = strategy == SIM_POS ? draw_priority() : --lowest;
}
