/*
 * A schedule that outlives a change of the program (SCHEDULE=, tools/schedule.py).
 *
 * step.c counts the steps of a core to know when an event is due: with one more line in the program these
 * numbers mean something else. So a schedule that is kept has a *point* for each event: which coroutine, at
 * which operation, and the how many-th time. A coroutine is known by the call that has started it, in the
 * coroutine that has made this call, and so on up to main. An operation is known by two places in the code,
 * its own and that of the program's innermost function under way; tools/schedule.py makes names of them,
 * and addresses of the names in another image. The operations of other coroutines, and of other places,
 * do not count.
 *
 * While points are counted, a decision is taken before each step.
 */
#include "runs.h"

#include "debug/failing.h"
#include "kernel/co.h"

enum { PATHS = 8 * 1024, COUNTS = 256 * 1024, FILTER = 4096 };
enum { FRAMES = 32 }; /* of a stack, to the program's innermost function */

bool sim_points;

/* ---- Counting ---- */

static SIM_KEPT struct count {
	uint64_t key;
	uint32_t n;
} counts[COUNTS]; /* open addressing; a key of 0: free */
static SIM_KEPT size_t keys;

static uint64_t mix(uint64_t hash, uint64_t what)
{
	hash = (hash ^ what) * 0xbf58476d1ce4e5b9;
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

/* The how many-th time it is, from 1; 0: it is not known. */
static uint32_t count(uint64_t key)
{
	size_t i = key % COUNTS;

	while (counts[i].key && counts[i].key != key)
		i = (i + 1) % COUNTS;
	if (!counts[i].key) {
		if (keys == COUNTS - 1)
			return 0;
		keys++;
		counts[i].key = key;
	}
	return ++counts[i].n;
}

/* ---- Coroutines ---- */

/* Who has made a coroutine, and where; by its id. */
static struct path {
	uint64_t id, parent;
	uintptr_t site; /* where the program has called what made it; 0: nowhere */
	uint32_t nth;
	uint64_t hash;
} paths[PATHS];

static const struct path *path_of(uint64_t id)
{
	const struct path *p = &paths[mix(0, id) % PATHS];

	return p->id == id && id ? p : NULL;
}

enum { PATH_ROOT = 'i', PATH_CORE = 'c' };

static uint64_t root_hash(char kind, uint64_t number)
{
	return mix((uint64_t)kind, number);
}

/* Of a coroutine of the program; or of a core that has had none yet. */
static uint64_t path_hash(const struct sim_core *core, uint64_t id)
{
	const struct path *p = path_of(id);

	if (!id)
		return root_hash(PATH_CORE, (uint64_t)(core - sim_cores));
	return p ? p->hash : root_hash(PATH_ROOT, id);
}

static void put_path(const struct sim_core *core, uint64_t id)
{
	enum { MOST = 16 };
	const struct path *way[MOST];
	int n = 0;

	for (const struct path *p; n < MOST && (p = path_of(id)); id = p->parent)
		way[n++] = p;
	sim_put(2, id ? " i" : " c");
	sim_put_number(2, id ? id : n ? 0 : (uint64_t)(core - sim_cores), 10);
	while (n-- > 0) {
		sim_put(2, "/");
		sim_put_number(2, way[n]->site, 16);
		sim_put(2, ".");
		sim_put_number(2, way[n]->nth, 10);
	}
}

/* Where the program's innermost function is, on the stack of the coroutine that goes on. */
static uintptr_t place_in_app(const uintptr_t *fp)
{
	const struct co *co = sim_current;

	for (int i = 0; i < FRAMES; i++, fp = (const uintptr_t *)fp[0]) {
		uintptr_t at = (uintptr_t)fp;

		if (at % sizeof at || at < co->stack_mapped || at + 16 > co->stack_top)
			break;
		if (sim_in_app((const void *)fp[1]))
			return fp[1];
		if (fp[0] <= at)
			break;
	}
	return 0;
}

/* ---- Points ---- */

/* At each core, the last. What its scheduler and handlers do is said to be of the coroutine that was there, and of what
 * it did. */
static struct point {
	uint64_t id;
	uintptr_t place, in_app;
	uint64_t key; /* of all three */
	uint64_t nth;
} points[SIM_MOST_CORES];

void sim_point(const void *place, enum sim_point_of what)
{
	struct point *p = &points[sim_here - sim_cores];

	p->place = (uintptr_t)place;
	if (sim_current->id && !sim_here->core->in_handler) {
		p->id = sim_current->id;
		p->in_app = sim_in_app(place) ? p->place : place_in_app(__builtin_frame_address(0));
	}
	p->key = mix(mix(mix(path_hash(sim_here, p->id), p->place), p->in_app), what);
#ifdef PLANT_ALL_COUNT
	p->nth = count(1);
#else
	p->nth = count(p->key);
#endif
}

void sim_point_spawned(const struct co *co)
{
	struct path *p = &paths[mix(0, co->id) % PATHS];
	uintptr_t site = place_in_app(__builtin_frame_address(0));
	uint64_t parent = path_hash(&sim_cores[0], sim_current->id);

	if (!co->id)
		return;
	*p = (struct path){.id = co->id,
			   .parent = sim_current->id,
			   .site = site,
			   .nth = count(mix(mix(parent, site), 'g'))};
	p->hash = mix(mix(parent, site), p->nth);
}

/* ---- Those of a schedule ---- */

/* In memory that all processes share: an event of such a schedule has in steps which of the due it is. */
static struct schedule {
	struct sim_events events; /* that were told of last */
	int n;
	struct due {
		uint64_t key, target; /* target: of the coroutine that goes on, with SIM_GOES_TO */
		uint64_t nth;
	} due[SIM_EVENTS];
} * schedule;

static int met;                      /* of the events that are followed */
static SIM_KEPT bool filter[FILTER]; /* by keys, of the schedule that is followed */

void sim_points_init(void)
{
	schedule = sim_share(sizeof *schedule);
}

static bool add_event(struct sim_event event, const struct due *due)
{
	struct sim_events *events = &schedule->events;

	if (events->n == SIM_EVENTS || schedule->n == SIM_EVENTS)
		return false;
	event.steps = (uint64_t)schedule->n;
	schedule->due[schedule->n++] = *due;
	events->event[events->n++] = event;
	return true;
}

static void put_point(const struct point *p, const struct sim_event *event)
{
	const struct sim_core *to = &sim_cores[event->to % SIM_MOST_CORES];

	sim_put(2, "=");
	for (int i = 0; i < 6; i++) {
		const uint64_t numbers[] = {event->kind, event->core, event->to,
					    p->nth,      p->place,    p->in_app};

		sim_put(2, " ");
		sim_put_number(2, numbers[i], i < 4 ? 10 : 16);
	}
	put_path(sim_here, p->id);
	if (event->kind == SIM_GOES_TO && to->core)
		put_path(to, to == sim_here ? sim_current->id : to->current->id);
	else
		sim_put(2, " -");
	sim_put(2, "\n");
}

static uint64_t current_hash(const struct sim_core *core)
{
	return path_hash(core, core == sim_here ? sim_current->id : core->current->id);
}

void sim_point_happens(const struct sim_event *event)
{
	struct point p = points[sim_here - sim_cores];
	struct due due;

	if (event->kind == SIM_WIRE)
		p = (struct point){.nth = sim_run.follow->by_points ? sim_point_wire(event)
								    : event->steps};
	due = (struct due){.key = p.key, .nth = p.nth};
	met++;
	if (event->kind == SIM_GOES_TO && event->to < sim_core_count)
		due.target = current_hash(&sim_cores[event->to]);
	if (sim_run.record)
		schedule->events.lost |= !add_event(*event, &due);
	if (sim_run.tell)
		put_point(&p, event);
}

int sim_point_due(int from, enum sim_event_kind kind)
{
	const struct point *p = &points[sim_here - sim_cores];
	const struct sim_events *list = sim_run.follow;

	if (!p->nth || !filter[p->key % FILTER])
		return -1;
	for (int i = from; i < list->n; i++) {
		const struct due *due = &schedule->due[list->event[i].steps];

		if (due->key == p->key && due->nth == p->nth)
			return list->event[i].kind == kind ? i : -1;
	}
	return -1;
}

int sim_point_goes_to(const struct sim_event *event)
{
	for (int k = 0; k < sim_core_count; k++)
		if (current_hash(&sim_cores[k]) == schedule->due[event->steps].target)
			return k;
	return event->to;
}

uint64_t sim_point_wire(const struct sim_event *event)
{
	return schedule->due[event->steps].nth;
}

/* ---- An allocation that fails ---- */

static long left_until(void)
{
	return *(volatile long *)&failing_countdown;
}

bool sim_point_fails_later(void)
{
	return sim_run.follow->fails_at && left_until() > 0;
}

/* The place where it may begins with a look at how many are left until then. */
bool sim_point_may_fail(uintptr_t at, unsigned how)
{
	const struct sim_event fails = {.kind = SIM_FAILS, .core = (uint8_t)(sim_here - sim_cores)};

	if (at != (uintptr_t)&failing_countdown || how & SIM_WRITE)
		return false;
	if (sim_run.record && sim_point_fails_later() && left_until() == 1)
		sim_point_happens(&fails);
	return sim_run.follow->by_points;
}

/* ---- Beginning ---- */

void sim_points_begin(void)
{
	const struct sim_events *list = sim_run.follow;

	sim_points = sim_run.record || list->by_points;
	if (!sim_points)
		return;
	if (keys)
		sim_clear(counts, sizeof counts);
	keys = 0;
	if (sim_run.record) {
		schedule->n = 0;
		schedule->events.n = 0;
		schedule->events.lost = false;
		schedule->events.by_points = true;
		schedule->events.app_weight = list->app_weight;
		schedule->events.random = list->random;
	}
	for (size_t i = 0; i < FILTER; i++)
		filter[i] = false;
	for (int i = 0; i < list->n && list->by_points; i++)
		filter[schedule->due[list->event[i].steps].key % FILTER] = true;
}

void sim_points_say(void)
{
	sim_put(2, "schedule: ");
	sim_put_number(2, (uint64_t)met, 10);
	sim_put(2, " of ");
	sim_put_number(2, (uint64_t)sim_run.follow->n, 10);
	sim_put(2, " events were met\n");
}

const struct sim_events *sim_points_recorded(void)
{
	return &schedule->events;
}

/* ---- SCHEDULE= ---- */

static uint64_t number(const char **at, unsigned base)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		unsigned digit = (unsigned)**at - '0';

		if (digit > 9)
			digit = base == 16 && **at >= 'a' && **at <= 'f'
					? (unsigned)(**at - 'a') + 10
					: base;
		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

/* As put_path has it. */
static uint64_t read_path(const char **at)
{
	uint64_t hash = 0, site;
	char kind = **at;

	if (kind)
		(*at)++;
	hash = root_hash(kind, number(at, 10));
	while (**at == '/') {
		(*at)++;
		site = number(at, 16);
		*at += **at == '.';
		hash = mix(mix(hash, site), number(at, 10));
	}
	return hash;
}

/* app_weight, random; then for each event what put_point says, of kind first. */
const struct sim_events *sim_schedule(const char *text)
{
	struct sim_events *events = &schedule->events;
	const char *at = text;
	bool fits = true;

	events->by_points = true;
	events->app_weight = (int64_t)number(&at, 10);
	at += *at == ' ';
	events->random = number(&at, 10);
	while (*at == ';' && fits) {
		uint64_t n[6], hash;
		struct due due;

		at++;
		for (int i = 0; i < 6; i++) {
			n[i] = number(&at, i < 4 ? 10 : 16);
			at += *at == ' ';
		}
		hash = mix(mix(read_path(&at), n[4]), n[5]);
		at += *at == ' ';
		due = (struct due){.key = mix(hash,
					      n[0] == SIM_OLD ? SIM_POINT_VALUE : SIM_POINT_STEP),
				   .target = read_path(&at),
				   .nth = n[3]};
		fits = add_event((struct sim_event){.kind = (uint8_t)n[0],
						    .core = (uint8_t)(n[1] % SIM_MOST_CORES),
						    .to = (uint8_t)n[2]},
				 &due);
	}
	if (*at || events->app_weight < 1)
		sim_usage("SCHEDULE", ": tools/schedule.py makes it, not ", text);
	return events;
}
