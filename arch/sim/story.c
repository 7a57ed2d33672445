/*
 * The story of a run that has failed: the shortest schedule that fails in the same way, a line an
 * event. Events are left out while what is left fails so.
 */
#include "runs.h"

#include "kernel/co.h"

enum { MOST_REPLAYS = 3000, MORE_STEPS = 1000 * 1000 };

#define MOST_REPLAY_STEPS (UINT64_C(600) * 1000 * 1000)
#define MOST_POINT_STEPS  (UINT64_C(60) * 1000 * 1000) /* each takes ten times as long */

static SIM_KEPT int replays;           /* so far */
static SIM_KEPT uint64_t replay_steps; /* in them */
static SIM_KEPT uint64_t most_steps;   /* of one; 0: STEPS */

/* ---- Shorter ---- */

/* Whether fewer events fail in the same way: if so, events are these. */
static bool fails(struct sim_events *events, const struct sim_events *fewer, const char *kind,
		  struct sim_result *got)
{
	sim_make_run(&(struct sim_plan){.follow = fewer, .limit = most_steps}, got);
	replays++;
	replay_steps += got->steps;
	if (!got->kind || !sim_same(got->kind, kind))
		return false;
	events->n = fewer->n;
	for (int i = 0; i < fewer->n; i++)
		events->event[i] = fewer->event[i];
	return true;
}

static SIM_KEPT struct sim_events fewer;

static void begin_fewer(const struct sim_events *events)
{
	fewer.app_weight = events->app_weight;
	fewer.fails_at = events->fails_at;
	fewer.random = events->random;
	fewer.by_points = events->by_points;
	fewer.n = 0;
}

/* The same without n at at, and m at then. */
static bool shorter_without(struct sim_events *events, int at, int n, int then, int m,
			    const char *kind, struct sim_result *got)
{
	begin_fewer(events);
	for (int i = 0; i < events->n; i++)
		if ((i < at || i >= at + n) && (i < then || i >= then + m))
			fewer.event[fewer.n++] = events->event[i];
	return fails(events, &fewer, kind, got);
}

/* The same where in place of n at at core to goes on: what waits for no timer is easier to read, and to follow when the
 * program has been changed. */
static bool goes_on_instead(struct sim_events *events, int at, int n, int to, const char *kind,
			    struct sim_result *got)
{
	struct sim_event goes = events->event[at];

	goes.kind = SIM_GOES_TO;
	goes.to = (uint8_t)to;
	begin_fewer(events);
	for (int i = 0; i < events->n; i++)
		if (i == at)
			fewer.event[fewer.n++] = goes;
		else if (i < at || i >= at + n)
			fewer.event[fewer.n++] = events->event[i];
	return fails(events, &fewer, kind, got);
}

static bool may_replay(void)
{
	return replays < MOST_REPLAYS && replay_steps < MOST_REPLAY_STEPS;
}

/* Single events are left out, then two that are near to each other. */
static void leave_out(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	enum { NEAR = 4 };

	for (int at = 0; at < events->n && may_replay();)
		at += !shorter_without(events, at, 1, 0, 0, kind, spare);
	for (int at = 0; at < events->n;) {
		bool shorter = false;

		for (int then = at + 1;
		     then < events->n && then <= at + NEAR && !shorter && may_replay(); then++)
			shorter = shorter_without(events, at, 1, then, 1, kind, spare);
		at += !shorter;
	}
}

/* Timers and interrupts that do no more than to have another core go on. */
static bool replace_timers(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	enum { MOST = 3 };
	bool any = false;

	for (int at = 0; at < events->n; at++) {
		const struct sim_event *event = &events->event[at];
		bool tried = event->kind != SIM_TIME_PASSES && event->kind != SIM_INTERRUPT;

		for (int n = MOST; n > 0 && !tried && may_replay(); n--)
			for (int to = 0; to < sim_core_count && !tried; to++)
				if (to != event->core && at + n <= events->n)
					any |= tried = goes_on_instead(events, at, n, to, kind,
								       spare);
	}
	return any;
}

/* Only the ith event, and the jth and kth, where they are others. */
static bool these_are_enough(struct sim_events *events, int i, int j, int k, const char *kind,
			     struct sim_result *spare)
{
	begin_fewer(events);
	fewer.event[fewer.n++] = events->event[i];
	if (j > i)
		fewer.event[fewer.n++] = events->event[j];
	if (k > j)
		fewer.event[fewer.n++] = events->event[k];
	return fails(events, &fewer, kind, spare);
}

/* Few events are enough, mostly: one to three. */
static void find_few(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	static const int most[] = {200, 30, 12}; /* of how many one is enough, two, three */
	int n = events->n;

	for (int i = 0; i < n && n > 1 && n <= most[0] && may_replay(); i++)
		if (these_are_enough(events, i, i, i, kind, spare))
			return;
	for (int i = 0; i < n && n > 2 && n <= most[1]; i++)
		for (int j = i + 1; j < n && may_replay(); j++)
			if (these_are_enough(events, i, j, j, kind, spare))
				return;
	for (int i = 0; i < n && n > 3 && n <= most[2]; i++)
		for (int j = i + 1; j < n; j++)
			for (int k = j + 1; k < n && may_replay(); k++)
				if (these_are_enough(events, i, j, k, kind, spare))
					return;
}

/* Leaves out what can be: from the end, for some failures are there long before they are found; then large
 * parts, and single events. */
static void shorten(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	long fails_at = events->fails_at;

	events->fails_at = 0;
	if (fails_at && !shorter_without(events, 0, 0, 0, 0, kind, spare))
		events->fails_at = fails_at;

	for (int part = events->n; part > 0; part /= 2)
		if (part <= events->n && may_replay())
			shorter_without(events, events->n - part, part, 0, 0, kind, spare);
	for (int part = (events->n + 1) / 2; part > 1; part /= 2)
		for (int at = 0; at < events->n && may_replay();)
			if (!shorter_without(events, at, part, 0, 0, kind, spare))
				at += part;
	leave_out(events, kind, spare);
}

/* The same events by points (point.c): what is left of them means the same without the others, so now some more
 * can be left out. False: they do not fail so. */
static bool shorten_by_points(struct sim_events *events, const char *kind, struct sim_result *spare)
{
	static SIM_KEPT struct sim_events points;
	enum { MORE_REPLAYS = 1000 };
	int n;

	if (replays > MOST_REPLAYS - MORE_REPLAYS)
		replays = MOST_REPLAYS - MORE_REPLAYS;
	if (replay_steps > MOST_REPLAY_STEPS - MOST_POINT_STEPS)
		replay_steps = MOST_REPLAY_STEPS - MOST_POINT_STEPS;
	sim_make_run(&(struct sim_plan){.follow = events, .record = true, .limit = most_steps},
		     spare);
	points = *sim_points_recorded();
	if (points.lost || !shorter_without(&points, 0, 0, 0, 0, kind, spare))
		return false;
	do {
		n = points.n;
		find_few(&points, kind, spare);
		leave_out(&points, kind, spare);
	} while (replace_timers(&points, kind, spare) || points.n < n);
	*events = points;
	return true;
}

static bool has_kind(const struct sim_events *events, enum sim_event_kind kind)
{
	for (int i = 0; i < events->n; i++)
		if (events->event[i].kind == kind)
			return true;
	return false;
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
	long fails_at;

	/* Replays are cut short: a schedule that fails much later than the whole run is no shorter story, and
	 * one that hangs has not ended after a tenth of the steps either. The shortest is tried once more
	 * with all steps. */
	most_steps = sim_same(failed->kind, "hang") ? failed->steps / 10
						    : 2 * failed->steps + MORE_STEPS;
	events = failed->events;
	/* Of very many events the first are known, and may be enough. */
	if (!events.lost || shorter_without(&events, 0, 0, 0, 0, failed->kind, spare))
		shorten(&events, failed->kind, spare);
	fails_at = events.fails_at;
	if (shorten_by_points(&events, failed->kind, spare)) {
		sim_say("weight", NULL, (uint64_t)events.app_weight);
		sim_say("random", NULL, events.random);
	}
	most_steps = 0;
	if (!shorter_without(&events, 0, 0, 0, 0, failed->kind, spare))
		events = failed->events;
	if (events.fails_at || has_kind(&events, SIM_FAILS))
		sim_say("fails", NULL, (uint64_t)(events.fails_at ? events.fails_at : fails_at));
	/* The first of two accesses that race is known when the second has come. */
	sim_make_run(&(struct sim_plan){.follow = &events}, spare);
	if (spare->kind && sim_same(spare->kind, "race")) {
		first = spare->race;
		sim_next_watch = &first;
	}
	sim_make_run(&(struct sim_plan){.follow = &events, .tell = true}, spare);
}
