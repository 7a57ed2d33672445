/*
 * Runs: one, by a seed or as another has left it; or one after the other until one fails, each of
 * which begins where main does, with what was there when main was about to begin (snapshot.c). Then
 * the schedule that failed is made shorter (story.c).
 *
 * A run may end its process, by a signal: so runs are made in processes that others wait for. What
 * the runs tell comes back in memory that they share.
 */
#include "runs.h"

#include "debug/who.h"
#include "kernel/co.h"

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_PIPE = 22 };
enum { SYS_MMAP = 9, SYS_CLONE = 56, SYS_WAIT4 = 61, SYS_EXIT_GROUP = 231, SYS_SETITIMER = 38 };
enum {
	SIGCHLD = 17,
	SHARED_ANONYMOUS = 0x1 | 0x20 | 0x4000 /* NORESERVE */,
	READ_WRITE = 3,
	ITIMER_PROF = 2
};

enum { MINUS_EINTR = -4, MOST_JOBS = 64, RUN_SECONDS = 20 };
enum { MEASURED_STEPS = 4 * 1000 * 1000 };

static struct {
	uint64_t seed, runs, jobs;
	enum sim_strategy strategy;
	const char *schedule; /* to be followed in place of a seed; or "" */
	bool explore;
	bool hashes; /* EXPLORE=hashes: says of each run its seed and the hash of its decisions */
} options;

static struct sim_result *results; /* of jobs, and one more */
static struct sim_work *measured;  /* with each weight */
static struct sim_result *result;  /* of this process; NULL: it tells a person */
static const char *failure;
static int second_look = -1; /* a pipe to a process that waits to make this run again */
static long second_looker;
static bool said; /* of the failure, all there is to say */

static struct {
	uint64_t next, failed; /* the run to be made; the lowest that has failed */
} * shared;

/* What was read of standard input, for the process that makes the run again; or INPUT=, for all. */
enum { INPUT_KEPT = 64 * 1024 * 1024 };
static struct {
	long n;
	uint8_t bytes[INPUT_KEPT];
} * input;
static long input_again = -1; /* how much of it has been read again */

/* Of a process that makes runs. */
static SIM_KEPT int seconds; /* of a run */
static SIM_KEPT bool inside; /* a run is being made */
static SIM_KEPT bool apart;  /* each in a process of its own */
struct sim_watch *sim_next_watch SIM_KEPT;

static _Noreturn void end_process(int status)
{
	for (;;)
		sim_call(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

/* ---- Options ---- */

_Noreturn void sim_usage(const char *name, const char *what, const char *value)
{
	sim_put(2, "vole: ");
	sim_put(2, name);
	sim_put(2, what);
	sim_put(2, value);
	sim_put(2, "\n");
	end_process(STATUS_USAGE);
}

void *sim_share(size_t size)
{
	long at = sim_call(SYS_MMAP, 0, (long)size, READ_WRITE, SHARED_ANONYMOUS, -1, 0);

	if (at < 0)
		sim_usage("no memory", "", "");
	return (void *)at;
}

/* INPUT=: standard input of each run. */
static void read_file(const char *name)
{
	long file = sim_call(SYS_OPEN, (long)name, 0, 0, 0, 0, 0), n;

	if (file < 0)
		sim_usage("INPUT", ": there is no file ", name);
	while ((n = sim_call(SYS_READ, file, (long)(input->bytes + input->n), INPUT_KEPT - input->n,
			     0, 0, 0)) > 0)
		input->n += n;
	if (n < 0)
		sim_usage("INPUT", ": this cannot be read: ", name);
	sim_call(SYS_CLOSE, file, 0, 0, 0, 0, 0);
	input_again = 0;
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
	sim_weaken(sim_option(env, "WEAKEN"));
	options.schedule = sim_option(env, "SCHEDULE");
	options.seed = sim_number(env, "SEED", 1, false);
	sim_run.faults = sim_faults_named(sim_option(env, "FAULTS"));
	options.runs = sim_number(env, "RUNS", 10000, false);
	options.jobs = sim_number(env, "JOBS", 1, false);
	options.explore = *sim_option(env, "EXPLORE") != '\0';
	options.hashes = sim_same(sim_option(env, "EXPLORE"), "hashes");
	sim_run.limit = sim_number(env, "STEPS", 50 * 1000 * 1000, false);
	if (!options.runs)
		sim_usage("RUNS", ": 1 or more, not ", sim_option(env, "RUNS"));
	if (!sim_run.limit)
		sim_usage("STEPS", ": 1 or more, not ", sim_option(env, "STEPS"));
	if (options.jobs < 1 || options.jobs > MOST_JOBS)
		sim_usage("JOBS", ": 1 to 64, not ", sim_option(env, "JOBS"));
	if (*name) {
		while (options.strategy < SIM_STRATEGIES &&
		       !sim_same(sim_strategy_names[options.strategy], name))
			options.strategy++;
		if (options.strategy == SIM_STRATEGIES)
			sim_usage("STRATEGY", ": mix, random, sticky, pct, pos or urw, not ", name);
	}

	results = sim_share((options.jobs + 1) * sizeof *results);
	measured = sim_share(SIM_WEIGHTS * sizeof *measured);
	shared = sim_share(sizeof *shared);
	input = sim_share(sizeof *input);
	sim_points_init();
	if (*sim_option(env, "INPUT"))
		read_file(sim_option(env, "INPUT"));
}

long sim_read_input(uint8_t *to, long size)
{
	long n;

	if (input_again >= 0) {
		for (n = 0; n < size && input_again < input->n; n++)
			to[n] = input->bytes[input_again++];
		return n;
	}
	do
		n = sim_call(SYS_READ, 0, (long)to, size, 0, 0, 0);
	while (n == MINUS_EINTR);
	for (long i = 0; i < n && input->n < INPUT_KEPT; i++)
		input->bytes[input->n++] = to[i];
	return n;
}

/* That process, or any: which. *died: in the middle of a run. */
static long wait_for(long process, bool *died)
{
	int status = 0;
	long ended;

	do
		ended = sim_call(SYS_WAIT4, process, (long)&status, 0, 0, 0, 0);
	while (ended == MINUS_EINTR);
	if (status == STATUS_USAGE << 8) /* it has said why */
		end_process(STATUS_USAGE);
	*died = status != 0;
	return ended;
}

void sim_say(const char *what, const char *text, uint64_t number)
{
	sim_put(2, what);
	sim_put(2, ": ");
	if (text)
		sim_put(2, text);
	else
		sim_put_number(2, number, 10);
	sim_put(2, "\n");
}

static void put_decisions(uint64_t hash)
{
	sim_put(2, "decisions: ");
	sim_put_number(2, hash, 16);
	sim_put(2, "\n");
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
	sim_weaken_end();
	if (result) {
		result->kind = failure;
		result->steps = sim_steps();
		result->decisions = sim_decisions();
		sim_inside_ends();
	}
	if (failure && !said)
		sim_say("failure", failure, 0);
	if (*options.schedule)
		sim_points_say();
	put_decisions(sim_decisions());
	end_process(status);
}

_Noreturn void sim_die(void)
{
	if (!result) {
		sim_say("failure", "panic", 0);
		put_decisions(sim_decisions());
	}
	end_process(STATUS_PANIC);
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

bool sim_tells(void)
{
	return !result || sim_run.tell;
}

void sim_failed(const char *kind)
{
	failure = kind;
	if (!sim_tells())
		sim_end(STATUS_FAILURE);
	if (!result)
		sim_say("failure", kind, 0);
	said = true;
}

_Noreturn void sim_fail_race(const struct sim_watch *first)
{
	bool died;

	failure = "race";
	results[0].race = *first;
	if (result)
		result->race = *first;
	else if (sim_call(SYS_WRITE, second_look, (long)"", 1, 0, 0, 0) == 1) {
		wait_for(second_looker, &died); /* which reports it */
		end_process(STATUS_FAILURE);
	}
	sim_end(STATUS_FAILURE);
}

/* The name of co, without a step. */
const char *sim_name_of(const struct co *co)
{
	const char *name;

	if (!co->id)
		return "";
	look_begin();
	name = co_name(co);
	look_end();
	return name;
}

_Noreturn void sim_starves(const struct co *co)
{
	static char why[128];

	format(why, sizeof why, "coroutine %lu \"%s\" is runnable, and gets no turn", co->id,
	       sim_name_of(co));
	sim_fail("starvation", why);
}

_Noreturn void __real_panic_deadlock(void);
_Noreturn void __wrap_panic_deadlock(void);

_Noreturn void __wrap_panic_deadlock(void)
{
	failure = "deadlock";
	__real_panic_deadlock();
}

/* ---- Runs ---- */

static void by_seed(uint64_t seed)
{
	sim_run.begun = true;
	sim_strategy_begin(options.strategy, seed, measured);
	sim_random_begin(seed);
	if (sim_run.events) {
		sim_run.events->app_weight = sim_run.app_weight;
		sim_run.events->random = seed;
	}
	sim_trouble_begin(sim_run.events);
}

static void by_events(const struct sim_plan *plan)
{
	sim_run.begun = true;
	sim_run.follow = plan->follow;
	sim_run.record = plan->record;
	sim_run.tell = plan->tell;
	sim_points_begin();
	sim_run.app_weight = plan->follow->app_weight;
	sim_random_begin(plan->follow->random);
	sim_fails_at(plan->follow->fails_at);
	if (plan->limit && sim_run.limit > plan->limit)
		sim_run.limit = plan->limit;
	if (!plan->measured)
		return;
	sim_run.measured = plan->measured;
	sim_run.app_weight = plan->app_weight;
	if (sim_run.limit > MEASURED_STEPS) /* one may wait for another, which never goes on */
		sim_run.limit = MEASURED_STEPS;
}

/* Here; the process may end with it. */
static void run_here(const struct sim_plan *plan, struct sim_result *to)
{
	to->kind = NULL;
	to->steps = 0;
	to->events.n = 0;
	to->events.lost = false;
	to->too_long = false;
	result = to;
	sim_silent = true;
	sim_run.begun = true;
	sim_watch = sim_next_watch;
	if (plan->follow) {
		by_events(plan);
	} else {
		sim_run.events = &to->events;
		by_seed(plan->seed);
	}
	sim_go_on();
	seconds = 0;
	inside = true;
	sim_inside();
	inside = false;
}

bool sim_is_too_long(void)
{
	static uint64_t steps;

	/* A run that a person has asked for may take its time, as long as it takes steps; but not what is measured
	 * before it, which explores and replays share. */
	if (!options.explore && !sim_run.measured && sim_steps() != steps) {
		steps = sim_steps();
		seconds = 0;
	}
	if (!inside || ++seconds != RUN_SECONDS)
		return false;
	if (result)
		result->too_long = true;
	return true;
}

/* From here on sim_is_too_long is asked once in a second of the processor's time. */
static void count_seconds(void)
{
	struct {
		struct {
			long seconds, microseconds;
		} each, first;
	} second = {{1, 0}, {1, 0}};

	sim_call(SYS_SETITIMER, ITIMER_PROF, (long)&second, 0, 0, 0, 0);
}

/* A process that is to make runs: true. In the other, *process. */
static bool begin_process(long *process)
{
	*process = sim_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0, 0);
	if (*process < 0)
		sim_usage("no more processes", "", "");
	if (*process)
		return false;
	sim_call(SYS_CLOSE, 0, 0, 0, 0, 0, 0); /* input is for the run that a person sees */
	sim_memory_forget_record();
	count_seconds();
	return true;
}

/* In a process of its own, which may die of it. */
static void run_apart(const struct sim_plan *plan, struct sim_result *to)
{
	long process;
	bool died;

	if (begin_process(&process)) {
		run_here(plan, to);
		end_process(0);
	}
	wait_for(process, &died);
	if (died)
		to->kind = "panic";
}

void sim_make_run(const struct sim_plan *plan, struct sim_result *to)
{
	if (apart)
		run_apart(plan, to);
	else
		run_here(plan, to);
	if (to->kind && sim_same(to->kind, "hang")) /* it may have taken long without a step */
		to->steps = sim_run.limit;
}

/* How far a run comes in the host's time must not decide anything. */
static void measured_nothing(void)
{
	for (int i = 0; i < SIM_WEIGHTS; i++)
		measured[i] = (struct sim_work){.all = MEASURED_STEPS};
	sim_put(2, "vole: a run takes too long to be measured; on a faster host a seed may be "
		   "another run\n");
}

/* Where nothing happens that is not usual, to see how many steps there are. */
static void measure(void)
{
	static const struct sim_events none;
	struct sim_result *spare = &results[options.jobs];

	for (int i = 0; i < SIM_WEIGHTS; i++) {
		run_apart(&(struct sim_plan){.follow = &none,
					     .measured = &measured[i],
					     .app_weight = sim_weights[i]},
			  spare);
		if (spare->too_long) {
			measured_nothing();
			return;
		}
	}
}

/* ---- One run after the other ---- */

static void note_failure(uint64_t number)
{
	uint64_t lowest = __atomic_load_n(&shared->failed, __ATOMIC_RELAXED);

	while (number < lowest &&
	       !__atomic_compare_exchange_n(&shared->failed, &lowest, number, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* A process that takes seeds while there are some, and no lower one has failed. */
static _Noreturn void take_seeds(struct sim_result *to)
{
	sim_snapshot_take();
	for (;;) {
		to->run = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (to->run >= options.runs ||
		    to->run > __atomic_load_n(&shared->failed, __ATOMIC_RELAXED))
			break;
		run_here(&(struct sim_plan){.seed = options.seed + to->run}, to);
		if (options.hashes) {
			sim_say("seed", NULL, options.seed + to->run);
			put_decisions(to->decisions);
		}
		if (to->kind) {
			note_failure(to->run);
			break;
		}
	}
	end_process(0);
}

/* The run with the lowest seed that has failed; NULL: none has. */
static struct sim_result *make_runs(void)
{
	long process[MOST_JOBS];

	shared->failed = UINT64_MAX;
	for (uint64_t i = 0; i < options.jobs; i++)
		if (begin_process(&process[i]))
			take_seeds(&results[i]);
	for (uint64_t n = 0; n < options.jobs; n++) {
		bool died;
		long ended = wait_for(-1, &died);

		for (uint64_t i = 0; i < options.jobs; i++)
			if (process[i] == ended && died) {
				results[i].kind = "panic";
				results[i].died = true;
				note_failure(results[i].run);
			}
	}
	for (uint64_t i = 0; i < options.jobs; i++)
		if (results[i].kind && results[i].run == shared->failed)
			return &results[i];
	return NULL;
}

static _Noreturn void explore(void)
{
	struct sim_result *failed = make_runs();
	long process;

	if (!failed) {
		sim_say("executions", NULL, options.runs);
		end_process(0);
	}
	sim_say("failure", failed->kind, 0);
	sim_say("seed", NULL, options.seed + failed->run);
	if (!failed->died && begin_process(&process)) {
		sim_snapshot_take();
		sim_tell_story(failed, &results[options.jobs]);
		end_process(0);
	}
	if (!failed->died)
		wait_for(process, &failed->died);
	if (failed->died) {
		apart = true;
		sim_tell_story(failed, &results[options.jobs]);
	}
	end_process(1);
}

/* Before a run by the seed. Where it finds a race, another process makes the same run, silently, which
 * reports it: with an eye on the first of the two accesses. */
static void begin_second_looker(void)
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
			end_process(0);
		sim_memory_forget_record();
		input_again = 0;
		sim_watch = &results[0].race;
		sim_silent = true;
	}
}

static void outside(void)
{
	measure();
	if (options.explore)
		explore();
	begin_second_looker();
	if (*options.schedule)
		by_events(&(struct sim_plan){.follow = sim_schedule(options.schedule)});
	else
		by_seed(options.seed);
	sim_go_on();
	count_seconds();
	inside = true;
	sim_inside();
}

/* ---- Where main begins ---- */

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

int __wrap_main(int argc, char **argv)
{
	sim_flush();
	sim_settle();
	sim_agents_begin();
	sim_outside(outside);
	return __real_main(argc, argv);
}
