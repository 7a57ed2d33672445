/*
 * Starvation: a coroutine that is runnable and gets no turn. Whatever a strategy does to cores, the
 * kernel gives everyone on a core a turn: so time slices are counted, and only those of cores that
 * may have it in a queue. The kernel promises a turn after those of all others, and to one of those that
 * have used up a slice in the time of four slices (preempt_unexpire).
 */
#include "kernel/proc.h"
#include "kernel/slab.h"
#include "sim.h"

/* Slices for each that is runnable; slices of any core from one look to the next; how many that are
 * runnable are watched at a time. */
enum { PATIENCE = 8, LOOK_EVERY = 4, WATCHED = 64 };
/* What counts as a slice: so long, and so many steps, for time may pass faster than its interrupts are
 * served. */
enum { SLICE = 10 * 1000 * 1000, SLICE_STEPS = 1 << 16 };

/* Turns by coroutine, counted in switch.S: what shares a place with others gets more. */
uint64_t sim_turns[SIM_TURNS];

static struct slices {
	uint64_t last, steps; /* when one was counted */
	uint32_t n;
} slices[MAX_CORES];

static struct watched {
	const struct co *co; /* NULL: free */
	uint64_t id, turns;  /* when it was first seen */
	uint32_t slices[MAX_CORES];
	uint64_t steps[MAX_CORES];
	size_t most; /* that were runnable since */
	bool seen;
} watched[WATCHED];

static size_t runnable;
static unsigned slices_until_look = LOOK_EVERY;

static uint64_t turns_of(const struct co *co)
{
	return sim_turns[(uintptr_t)co / 64 % SIM_TURNS];
}

static bool is_current(const struct co *co)
{
	for (int i = 0; i < sim_core_count; i++)
		if ((&sim_cores[i] == sim_here ? sim_current : sim_cores[i].current) == co)
			return true;
	return false;
}

static void look_at(struct co *co, void *unused)
{
	struct watched *free = NULL;

	(void)unused;
	if (co->state != CO_RUNNABLE || co->flags & CO_KERNEL || is_current(co))
		return;
	runnable++;
	for (int i = 0; i < WATCHED; i++) {
		struct watched *w = &watched[i];

		if (w->co == co && w->id == co->id && w->turns == turns_of(co)) {
			w->seen = true;
			return;
		}
		if (!w->co)
			free = w;
	}
	if (!free)
		return;
	*free = (struct watched){.co = co, .id = co->id, .turns = turns_of(co), .seen = true};
	for (int i = 0; i < sim_core_count; i++) {
		free->slices[i] = slices[i].n;
		free->steps[i] = sim_cores[i].steps;
	}
}

/* It may not have co, or has had time enough to give it a turn. A core whose timer is not armed has nobody
 * in its queues, as far as the kernel knows; but it may have a coroutine in its hands. */
static bool has_had_time(const struct sim_core *core, const struct watched *w)
{
	int i = (int)(core - sim_cores);
	uint64_t enough = PATIENCE * (w->most + 2);
	bool armed = core->deadline <= sim_time + 2 * SLICE;

	/* Where it sleeps and an interrupt has come, the kernel knows nothing of that yet. */
	return (core->halted && !sim_interrupt_waits(core)) ||
	       slices[i].n - w->slices[i] >= enough ||
	       (!armed && core->steps - w->steps[i] >= enough * SLICE_STEPS);
}

/* The same of a core that co is not pinned to: it may still have co in its hands, to send it on. */
static bool has_let_go(const struct sim_core *core, const struct watched *w)
{
	return core->halted || core->steps - w->steps[core - sim_cores] >= SLICE_STEPS;
}

static bool starves(const struct watched *w)
{
	const struct co *co = w->co;

	for (int i = 0; i < sim_core_count; i++) {
		const struct sim_core *core = &sim_cores[i];
		bool elsewhere = co->flags & CO_PINNED && co->pinned_core != core->core->index;

		if (!(elsewhere ? has_let_go(core, w) : has_had_time(core, w)))
			return false;
	}
	return true;
}

static void look(void)
{
	if (!slab_visit_try())
		return;
	runnable = 0;
	for (int i = 0; i < WATCHED; i++)
		watched[i].seen = false;
	co_each(look_at, NULL);
	slab_visit_end();
	for (int i = 0; i < WATCHED; i++) {
		struct watched *w = &watched[i];

		if (!w->seen)
			w->co = NULL;
		if (!w->co)
			continue;
		if (runnable > w->most)
			w->most = runnable;
		if (starves(w))
			sim_starves(w->co);
	}
}

void sim_timer_came(void)
{
	struct slices *here = &slices[sim_here - sim_cores];

	if (!sim_run.begun || !core_quantum || sim_time < here->last + SLICE ||
	    sim_here->steps < here->steps + SLICE_STEPS)
		return;
	here->last = sim_time;
	here->steps = sim_here->steps;
	here->n++;
	if (--slices_until_look)
		return;
	slices_until_look = LOOK_EVERY;
	look_begin();
	look();
	look_end();
}
