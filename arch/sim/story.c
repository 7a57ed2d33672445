/*
 * The story of a run that has failed: the shortest schedule that fails in the same way, a line an
 * event. Events are left out while what is left fails so.
 */
#include "runs.h"

#include "kernel/co.h"

enum { MOST_REPLAYS = 3000, MORE_STEPS = 1000 * 1000 };

#define MOST_REPLAY_STEPS (UINT64_C(600) * 1000 * 1000)

static SIM_KEPT int replays;           /* so far */
static SIM_KEPT uint64_t replay_steps; /* in them */
static SIM_KEPT uint64_t most_steps;   /* of one; 0: STEPS */

/* ---- Shorter ---- */

/* Whether events fail in the same way without n at at, and m at then: if so, these are left out. */
static bool shorter_without(struct sim_events *events, int at, int n, int then, int m,
			    const char *kind, struct sim_result *got)
{
	static SIM_KEPT struct sim_events fewer;

	fewer.app_weight = events->app_weight;
	fewer.fails_at = events->fails_at;
	fewer.random = events->random;
	fewer.n = 0;
	for (int i = 0; i < events->n; i++)
		if ((i < at || i >= at + n) && (i < then || i >= then + m))
			fewer.event[fewer.n++] = events->event[i];
	sim_make_run(&(struct sim_plan){.follow = &fewer, .limit = most_steps}, got);
	replays++;
	replay_steps += got->steps;
	if (!got->kind || !sim_same(got->kind, kind))
		return false;
	events->n = fewer.n;
	for (int i = 0; i < fewer.n; i++)
		events->event[i] = fewer.event[i];
	return true;
}

static bool may_replay(void)
{
	return replays < MOST_REPLAYS && replay_steps < MOST_REPLAY_STEPS;
}

/* Leaves out what can be: from the end, for some failures are there long before they are found; large
 * parts first, then single events; at last two that are near to each other. */
static void shorten(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	enum { NEAR = 4 };
	long fails_at = events->fails_at;

	events->fails_at = 0;
	if (fails_at && !shorter_without(events, 0, 0, 0, 0, kind, spare))
		events->fails_at = fails_at;

	for (int part = events->n; part > 0; part /= 2)
		if (part <= events->n && may_replay())
			shorter_without(events, events->n - part, part, 0, 0, kind, spare);
	for (int part = (events->n + 1) / 2; part > 0; part /= 2)
		for (int at = 0; at < events->n && may_replay();)
			if (!shorter_without(events, at, part, 0, 0, kind, spare))
				at += part;
	for (int at = 0; at < events->n;) {
		bool shorter = false;

		for (int then = at + 1;
		     then < events->n && then <= at + NEAR && !shorter && may_replay(); then++)
			shorter = shorter_without(events, at, 1, then, 1, kind, spare);
		at += !shorter;
	}
}

/* ---- Lines ---- */

/* Core, coroutine, its name, what happens, with which core; then the caller of this folder and its
 * callers, of whom tools/explore makes names. */
void sim_tell(const struct sim_event *event, const void *place)
{
	enum { DEEP = 16 };
	static const char *const kinds[] = {" goes-to ", " interrupt ", " time-passes ", " again ",
					    " rings ",   " card ",      " older ",       " wire "};
	const struct co *co = sim_current;
	const uintptr_t *fp = __builtin_frame_address(0);

	sim_put(2, "@");
	sim_put_number(2, event->core, 10);
	sim_put(2, " ");
	sim_put_number(2, co->id, 10);
	sim_put(2, " \"");
	sim_put(2, sim_name_of(co));
	sim_put(2, "\"");
	sim_put(2, kinds[event->kind]);
	sim_put_number(2, event->to, 10);
	sim_put(2, " ");
	sim_put_number(2, (uintptr_t)place, 16);
	for (int i = 0;
	     i < DEEP && (uintptr_t)fp >= co->stack_mapped && (uintptr_t)fp < co->stack_top;
	     i++, fp = (const uintptr_t *)fp[0])
		if (fp[1]) {
			sim_put(2, " ");
			sim_put_number(2, fp[1], 16);
		}
	sim_put(2, "\n");
}

void sim_tell_story(const struct sim_result *failed, struct sim_result *spare)
{
	static SIM_KEPT struct sim_events events;
	static SIM_KEPT struct sim_watch first;

	/* Replays are cut short: a schedule that fails much later than the whole run is no shorter story, and
	 * one that hangs has not ended after a tenth of the steps either. The shortest is tried once more
	 * with all steps. */
	most_steps = sim_same(failed->kind, "hang") ? failed->steps / 10
						    : 2 * failed->steps + MORE_STEPS;
	events = failed->events;
	/* Of very many events the first are known, and may be enough. */
	if (!events.lost || shorter_without(&events, 0, 0, 0, 0, failed->kind, spare))
		shorten(&events, failed->kind, spare);
	most_steps = 0;
	if (!shorter_without(&events, 0, 0, 0, 0, failed->kind, spare))
		events = failed->events;
	if (events.fails_at)
		sim_say("fails", NULL, (uint64_t)events.fails_at);
	/* The first of two accesses that race is known when the second has come. */
	sim_make_run(&(struct sim_plan){.follow = &events}, spare);
	if (spare->kind && sim_same(spare->kind, "race")) {
		first = spare->race;
		sim_next_watch = &first;
	}
	sim_make_run(&(struct sim_plan){.follow = &events, .tell = true}, spare);
}
