/*
 * Runs: one, by a seed or as another has left it; or one after the other until one fails, each in a
 * process of its own, made when main is about to begin. Then the schedule that failed is made
 * shorter: events are left out while what is left fails in the same way.
 *
 * What the runs tell comes back in memory that they share.
 */
#include "sim.h"

#include "kernel/co.h"

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_CLOSE = 3, SYS_PIPE = 22 };
enum { SYS_MMAP = 9, SYS_CLONE = 56, SYS_WAIT4 = 61, SYS_EXIT_GROUP = 231, SYS_SETRLIMIT = 160 };
enum { SIGCHLD = 17, SHARED_ANONYMOUS = 0x1 | 0x20, READ_WRITE = 3, RLIMIT_CPU = 0 };

enum { MOST_JOBS = 64, RUN_SECONDS = 20, MOST_REPLAYS = 3000 };

#define MOST_REPLAY_STEPS (UINT64_C(300) * 1000 * 1000)

/* What a run has told. */
struct result {
	const char *kind; /* NULL: no failure */
	int status;
	uint64_t steps;
	struct sim_watch race; /* the first of two that race */
	struct sim_events events;
};

static struct {
	uint64_t seed, runs, jobs;
	enum sim_strategy strategy;
	bool explore;
} options;

static struct result *results;    /* of jobs, and one more */
static struct sim_work *measured; /* with each weight */
static struct result *result;     /* of this process; NULL: it tells a person */
static const char *failure;
static int second_look = -1; /* a pipe to a process that waits to make this run again */
static long second_looker;
static int replays;           /* so far */
static uint64_t replay_steps; /* in them */
static bool said;             /* of the failure, all there is to say */

/* ---- Options ---- */

_Noreturn void sim_usage(const char *name, const char *what, const char *value)
{
	sim_put(2, "vole: ");
	sim_put(2, name);
	sim_put(2, what);
	sim_put(2, value);
	sim_put(2, "\n");
	for (;;)
		sim_call(SYS_EXIT_GROUP, STATUS_USAGE, 0, 0, 0, 0, 0);
}

static void *share(size_t size)
{
	long at = sim_call(SYS_MMAP, 0, (long)size, READ_WRITE, SHARED_ANONYMOUS, -1, 0);

	if (at < 0)
		sim_usage("no memory", "", "");
	return (void *)at;
}

void sim_explore_init(char **env)
{
	const char *name = sim_option(env, "STRATEGY"), *model = sim_option(env, "MODEL");
	const char *leaks = sim_option(env, "LEAKS");

	sim_consistent = sim_same(model, "sc");
	if (*model && !sim_consistent && !sim_same(model, "c11"))
		sim_usage("MODEL", ": c11 or sc, not ", model);
	sim_leaks = sim_same(leaks, "1");
	if (*leaks && !sim_leaks && !sim_same(leaks, "0"))
		sim_usage("LEAKS", ": 0 or 1, not ", leaks);
	options.seed = sim_number(env, "SEED", 1, false);
	sim_run.faults = sim_faults_named(sim_option(env, "FAULTS"));
	options.runs = sim_number(env, "RUNS", 10000, false);
	options.jobs = sim_number(env, "JOBS", 1, false);
	options.explore = *sim_option(env, "EXPLORE") != '\0';
	sim_run.limit = sim_number(env, "STEPS", 50 * 1000 * 1000, false);
	if (options.jobs < 1 || options.jobs > MOST_JOBS)
		sim_usage("JOBS", ": 1 to 64, not ", sim_option(env, "JOBS"));
	if (*name) {
		while (options.strategy < SIM_STRATEGIES &&
		       !sim_same(sim_strategy_names[options.strategy], name))
			options.strategy++;
		if (options.strategy == SIM_STRATEGIES)
			sim_usage("STRATEGY", ": mix, random, sticky, pct, pos or urw, not ", name);
	}

	results = share((options.jobs + 1) * sizeof *results);
	measured = share(SIM_WEIGHTS * sizeof *measured);
}

static void wait_for(long process)
{
	enum { MINUS_EINTR = -4 };

	while (sim_call(SYS_WAIT4, process, 0, 0, 0, 0, 0) == MINUS_EINTR)
		;
}

/* ---- The end of a run ---- */

_Noreturn void sim_end(int status)
{
	enum { PANIC = 134 };

	sim_run.limit = UINT64_MAX;
	sim_run.begun = false;
	if (!failure && status == PANIC)
		failure = "panic";
	else if (!failure && status)
		failure = "status";
	if (result) {
		result->kind = failure;
		result->status = status;
		result->steps = sim_steps();
	} else {
		if (failure && !said) {
			sim_put(2, "failure: ");
			sim_put(2, failure);
			sim_put(2, "\n");
		}
		sim_put(2, "decisions: ");
		sim_put_number(2, sim_decisions(), 16);
		sim_put(2, "\n");
	}
	for (;;)
		sim_call(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

_Noreturn void sim_fail(const char *kind, const char *why)
{
	failure = kind;
	if (!result) {
		sim_put(1, "vole: ");
		sim_put(1, why);
		sim_put(1, "\n");
	}
	sim_end(STATUS_FAILURE);
}

void sim_failed(const char *kind)
{
	failure = kind;
	if (result && !sim_run.tell)
		sim_end(STATUS_FAILURE);
	if (!result) {
		sim_put(2, "failure: ");
		sim_put(2, kind);
		sim_put(2, "\n");
	}
	said = true;
}

_Noreturn void sim_fail_race(const struct sim_watch *first)
{
	failure = "race";
	results[0].race = *first;
	if (result)
		result->race = *first;
	else if (sim_call(SYS_WRITE, second_look, (long)"", 1, 0, 0, 0) == 1) {
		wait_for(second_looker); /* which reports it */
		sim_call(SYS_EXIT_GROUP, STATUS_FAILURE, 0, 0, 0, 0, 0);
	}
	sim_end(STATUS_FAILURE);
}

/* The name of co, without a step. */
static const char *name_of(const struct co *co)
{
	const char *name;

	if (!co->id)
		return "";
	sim_look_begin();
	name = co_name(co);
	sim_look_end();
	return name;
}

_Noreturn void sim_starves(const struct co *co)
{
	static char why[128];

	format(why, sizeof why, "coroutine %lu \"%s\" is runnable, and gets no turn", co->id,
	       name_of(co));
	sim_fail("starvation", why);
}

_Noreturn void __real_panic_deadlock(void);
_Noreturn void __wrap_panic_deadlock(void);

_Noreturn void __wrap_panic_deadlock(void)
{
	failure = "deadlock";
	__real_panic_deadlock();
}

/* ---- The story ---- */

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
	sim_put(2, name_of(co));
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

/* ---- Runs ---- */

/* In the process that it makes: true. In the other, *process. */
static bool run_apart(long *process, struct result *to)
{
	struct {
		uint64_t now, most;
	} seconds = {RUN_SECONDS, RUN_SECONDS};

	to->kind = "hang"; /* until it says otherwise */
	to->steps = sim_run.limit;
	to->events.n = 0;
	to->events.lost = false;
	*process = sim_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0, 0);
	if (*process < 0)
		sim_usage("no more processes", "", "");
	if (*process)
		return false;
	sim_call(SYS_CLOSE, 0, 0, 0, 0, 0, 0); /* input is for the run that a person sees */
	sim_call(SYS_SETRLIMIT, RLIMIT_CPU, (long)&seconds, 0, 0, 0, 0);
	result = to;
	sim_silent = true;
	sim_run.begun = true;
	return true;
}

/* Where nothing happens that is not usual, to see how many steps there are. True: in there. */
static bool measure(void)
{
	enum { ENOUGH = 4 * 1000 * 1000 };
	static const struct sim_events none;
	long process;

	for (int i = 0; i < SIM_WEIGHTS; i++) {
		if (run_apart(&process, &results[options.jobs])) {
			sim_run.follow = &none;
			if (sim_run.limit >
			    ENOUGH) /* one may wait for another, which never goes on */
				sim_run.limit = ENOUGH;
			sim_run.app_weight = sim_weights[i];
			sim_run.measured = &measured[i];
			return true;
		}
		wait_for(process);
	}
	return false;
}

static void follow(const struct sim_events *events)
{
	sim_run.follow = events;
	sim_run.app_weight = events->app_weight;
	sim_fails_at(events->fails_at);
}

static void by_seed(uint64_t seed)
{
	sim_run.begun = true;
	sim_strategy_begin(options.strategy, seed, measured);
	if (sim_run.events)
		sim_run.events->app_weight = sim_run.app_weight;
	sim_trouble_begin(sim_run.events);
}

/* The first seed from seed on, of n, whose run has failed is left in *failed. True: in a run. */
static bool run_some(uint64_t seed, uint64_t n, struct result **failed, uint64_t *failed_seed)
{
	long process[MOST_JOBS];

	for (uint64_t i = 0; i < n; i++)
		if (run_apart(&process[i], &results[i])) {
			sim_run.events = &result->events;
			by_seed(seed + i);
			return true;
		}
	for (uint64_t i = 0; i < n; i++)
		wait_for(process[i]);
	for (uint64_t i = n; i-- > 0;)
		if (results[i].kind) {
			*failed = &results[i];
			*failed_seed = seed + i;
		}
	return false;
}

static struct sim_events fewer;

/* Whether events fail in the same way without n at at, and m at then: if so, these are left out. True
 * in the process of a run, where *shorter is not set. */
static bool try_without(struct sim_events *events, int at, int n, int then, int m, const char *kind,
			bool *shorter)
{
	const struct result *got = &results[options.jobs];
	long process;

	fewer.app_weight = events->app_weight;
	fewer.fails_at = events->fails_at;
	fewer.n = 0;
	for (int i = 0; i < events->n; i++)
		if ((i < at || i >= at + n) && (i < then || i >= then + m))
			fewer.event[fewer.n++] = events->event[i];
	if (run_apart(&process, &results[options.jobs])) {
		follow(&fewer);
		return true;
	}
	wait_for(process);
	replays++;
	replay_steps += got->steps;
	*shorter = got->kind && sim_same(got->kind, kind);
	if (*shorter) {
		events->n = fewer.n;
		for (int i = 0; i < fewer.n; i++)
			events->event[i] = fewer.event[i];
	}
	return false;
}

static bool may_replay(void)
{
	return replays < MOST_REPLAYS && replay_steps < MOST_REPLAY_STEPS;
}

/* Leaves out what can be: from the end, for some failures are there long before they are found; large
 * parts first, then single events; at last two that are near to each other. True: in a run. */
static bool shorten(struct sim_events *events, const char *kind)
{
	enum { NEAR = 4 };
	long fails_at = events->fails_at;
	bool shorter;

	events->fails_at = 0;
	if (fails_at && try_without(events, 0, 0, 0, 0, kind, &shorter))
		return true;
	if (fails_at && !shorter)
		events->fails_at = fails_at;

	for (int part = events->n; part > 0; part /= 2)
		if (part <= events->n && may_replay() &&
		    try_without(events, events->n - part, part, 0, 0, kind, &shorter))
			return true;
	for (int part = (events->n + 1) / 2; part > 0; part /= 2)
		for (int at = 0; at < events->n && may_replay(); at += shorter ? 0 : part)
			if (try_without(events, at, part, 0, 0, kind, &shorter))
				return true;
	for (int at = 0; at < events->n; at += shorter ? 0 : 1) {
		shorter = false;
		for (int then = at + 1;
		     then < events->n && then <= at + NEAR && !shorter && may_replay(); then++)
			if (try_without(events, at, 1, then, 1, kind, &shorter))
				return true;
	}
	return false;
}

/* True: in a run. */
static bool tell_story(const struct sim_events *events)
{
	struct result *to = &results[options.jobs];
	static struct sim_watch first;
	long process;

	/* The first of two accesses that race is known when the second has come. */
	if (run_apart(&process, to)) {
		follow(events);
		return true;
	}
	wait_for(process);
	if (to->kind && sim_same(to->kind, "race")) {
		first = to->race;
		sim_watch = &first;
	}
	if (run_apart(&process, &results[options.jobs])) {
		follow(events);
		sim_run.tell = true;
		return true;
	}
	wait_for(process);
	return false;
}

static void say(const char *what, const char *text, uint64_t number)
{
	sim_put(2, what);
	sim_put(2, ": ");
	if (text)
		sim_put(2, text);
	else
		sim_put_number(2, number, 10);
	sim_put(2, "\n");
}

/* True: in a run. */
static bool explore(void)
{
	static struct sim_events events;
	struct result *failed = NULL;
	uint64_t seed = 0, done = 0;
	const char *kind;

	while (done < options.runs && !failed) {
		uint64_t n = options.runs - done < options.jobs ? options.runs - done
								: options.jobs;

		if (run_some(options.seed + done, n, &failed, &seed))
			return true;
		done += n;
	}
	if (!failed) {
		say("executions", NULL, done);
		sim_call(SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0);
	}
	kind = failed->kind;
	say("failure", kind, 0);
	say("seed", NULL, seed);
	events = failed->events;
	if (!events.lost && shorten(&events, kind))
		return true;
	if (events.fails_at)
		say("fails", NULL, (uint64_t)events.fails_at);
	if (tell_story(&events))
		return true;
	for (;;)
		sim_call(SYS_EXIT_GROUP, 1, 0, 0, 0, 0, 0);
}

/* In a run by the seed. Where it finds a race, another process makes the same run, silently, which
 * reports it: with an eye on the first of the two accesses. */
static void run_by_seed(void)
{
	int ends[2];
	char byte;

	if (sim_call(SYS_PIPE, (long)ends, 0, 0, 0, 0, 0))
		sim_usage("no pipe", "", "");
	second_looker = sim_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0, 0);
	if (second_looker < 0)
		sim_usage("no more processes", "", "");
	second_look = ends[1];
	sim_call(SYS_CLOSE, ends[second_looker == 0 ? 1 : 0], 0, 0, 0, 0, 0);
	if (second_looker == 0) {
		while (sim_call(SYS_READ, ends[0], (long)&byte, 1, 0, 0, 0) != 1)
			sim_call(SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0);
		sim_watch = &results[0].race;
		sim_silent = true;
	}
	by_seed(options.seed);
}

/* ---- Where main begins ---- */

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

int __wrap_main(int argc, char **argv)
{
	sim_flush();
	sim_settle();
	sim_agents_begin();
	if (!measure()) {
		if (options.explore)
			explore();
		else
			run_by_seed();
	}
	sim_go_on();
	return __real_main(argc, argv);
}
