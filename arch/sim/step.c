/*
 * Steps, and what is decided between them: which core goes on, whether an interrupt comes, how time
 * passes. A strategy (strategy.c) decides by the seed; or a list of events does, which an earlier
 * run has left (explore.c).
 *
 * An event is a decision that is not the usual one. Usual is: the core goes on; no interrupt comes
 * before the core waits for one; time passes with the steps; where a core waits, the next one goes
 * on. An event has its place by the steps of its own core, so it still means something when
 * others are left out. Where nothing has been unusual for long, all get their turns, as they would
 * on any machine: the time slice is over, and the next core goes on.
 */
#include "sim.h"

struct co *sim_current;
struct sim_core *sim_here = &sim_cores[0];
uint64_t sim_time;
int64_t sim_quiet = SIM_NEVER;

struct sim_run sim_run = {.app_weight = 1, .limit = SIM_NEVER};

enum { LONGEST_GAP = 1 << 20, MEASURED_GAP = 64, SOON = 7 };
/* A turn of a core where events are followed; where there are more, longer than any gap of a strategy. */
enum { LAST_TURN = 16381, TURN = 1 << 19 };

static int64_t gap = SIM_NEVER; /* what sim_quiet was when it was last looked at */
static uint64_t decisions = 0xcbf29ce484222325;
static uint64_t skipped; /* of sim_time */
static int next_event;   /* of those that are followed */
static bool any_core;    /* the next decision is which */

/* FNV-1a, by words. */
static void note(uint64_t what)
{
	decisions = (decisions ^ what) * 0x100000001b3;
}

uint64_t sim_decisions(void)
{
	return decisions;
}

/* ---- Steps and events ---- */

/* Each takes a time; the rest has been skipped. */
uint64_t sim_steps(void)
{
	return (sim_time - skipped) / SIM_STEP_NS;
}

static void skip_to(uint64_t time)
{
	skipped += time - sim_time;
	sim_time = time;
}

static void count_steps(void)
{
	uint64_t steps = (uint64_t)(gap - sim_quiet);

	gap = sim_quiet;
	sim_here->steps += steps;
	sim_run.steps += steps;
	if (sim_run.measured)
		sim_work_done(sim_run.measured, sim_current, steps);
	else if (sim_run.begun)
		sim_strategy_worked(sim_current, steps);
	if (sim_steps() > sim_run.limit)
		sim_fail("hang", "it is not at its end after so many steps (STEPS=)");
}

static void has_happened(const struct sim_event *event, const void *place)
{
	note(event->steps << 24 | (uint64_t)event->core << 16 | event->to << 8 | event->kind);
	if (sim_run.events && sim_run.events->n < SIM_EVENTS)
		sim_run.events->event[sim_run.events->n++] = *event;
	else if (sim_run.events)
		sim_run.events->lost = true;
	if (sim_run.tell)
		sim_tell(event, place);
}

static void happened(enum sim_event_kind kind, int to, const void *place)
{
	struct sim_event event = {.kind = kind,
				  .core = (uint8_t)(sim_here - sim_cores),
				  .to = (uint8_t)to,
				  .steps = sim_here->steps};

	has_happened(&event, place);
}

/* The same, of a schedule of points. */
static const struct sim_event *expected_at_point(enum sim_event_kind kind)
{
	static struct sim_event event;
	int i = sim_point_due(next_event, kind);

	if (i < 0)
		return NULL;
	next_event = i + 1;
	event = sim_run.follow->event[i];
	if (kind == SIM_GOES_TO)
		event.to = (uint8_t)sim_point_goes_to(&event);
	sim_point_happens(&event);
	return &event;
}

/* The event to follow here and now, if it is of such a kind. */
static const struct sim_event *expected(enum sim_event_kind kind)
{
	const struct sim_events *list = sim_run.follow;

	if (list && list->by_points)
		return expected_at_point(kind);
	while (list && next_event < list->n) {
		const struct sim_event *event = &list->event[next_event];

		if (event->kind == SIM_WIRE) {
			next_event++; /* has its own place */
			continue;
		}
		if (event->core != sim_here - sim_cores || event->steps > sim_here->steps)
			return NULL;
		if (event->steps == sim_here->steps) {
			if (event->kind != kind)
				return NULL;
			next_event++;
			if (sim_run.record)
				sim_point_happens(event);
			return event;
		}
		next_event++; /* its place has passed */
	}
	return NULL;
}

static const struct sim_core *followed_core(void)
{
	const struct sim_events *list = sim_run.follow;

	while (list && next_event < list->n && list->event[next_event].kind == SIM_WIRE)
		next_event++;
	return list && next_event < list->n ? &sim_cores[list->event[next_event].core] : NULL;
}

/* Where events are followed: of each core, in its steps, when its turn is over if no event comes. */
static uint64_t turn_end[MAX_CORES];

static bool turn_is_over(void)
{
	return sim_run.begun && sim_run.follow && sim_here->steps >= turn_end[sim_here - sim_cores];
}

/* Of the core that goes on: steps to the end of its turn. */
static int64_t turn_left(void)
{
	uint64_t *end = &turn_end[sim_here - sim_cores], now = sim_here->steps;
	uint64_t length = next_event < sim_run.follow->n ? TURN : LAST_TURN;

	if (*end <= now || *end > now + length)
		*end = now + length;
	return (int64_t)(*end - now);
}

/* Sets when to decide next. */
static void go_on(void)
{
	const struct sim_events *list = sim_run.follow;

	gap = SIM_NEVER;
	if (sim_run.begun && list && list->by_points) {
		gap = turn_left() - 1;
	} else if (sim_run.begun && list) {
		/* Those whose place has passed; what a load has here comes after this. */
		while (followed_core() == sim_here &&
		       list->event[next_event].steps + (list->event[next_event].kind == SIM_OLD) <=
			       sim_here->steps)
			next_event++;
		if (followed_core() == sim_here)
			gap = (int64_t)(list->event[next_event].steps - sim_here->steps) - 1;
		if (gap > turn_left() - 1)
			gap = turn_left() - 1;
	} else if (sim_run.begun) {
		gap = sim_strategy_gap();
	}
	/* So that the limit is seen; and who does what, where that is measured. */
	if (gap > (sim_run.measured ? MEASURED_GAP : LONGEST_GAP))
		gap = sim_run.measured ? MEASURED_GAP : LONGEST_GAP;
	/* Each step is counted while there are points to come. */
	if (sim_points && sim_run.begun && (next_event < list->n || sim_point_fails_later()))
		gap = 0;
	sim_quiet = gap;
}

/* ---- Which core ---- */

static void go_to(struct sim_core *next)
{
	struct sim_core *left = sim_here;

	if (next == left)
		return;
	left->current = sim_current;
	left->last_at = sim_time;
	sim_here = next;
	sim_current = next->current;
	sim_load_locals();
	sim_switch(&left->sp, next->sp);
}

static inline int cores_that_can(struct sim_core **can, const struct sim_core *but)
{
	struct sim_core *c = sim_here, *end = sim_cores + sim_core_count;
	int n = 0;

	/* This one first, then the next. */
	do {
		if (c != but && sim_can_go_on(c))
			can[n++] = c;
		if (++c == end)
			c = sim_cores;
	} while (c != sim_here);
	return n;
}

/* Of n that can: which, and in *usual which it would be, where events are followed. */
static __attribute__((noinline)) int choose_followed(struct sim_core *const *can, int n, int *usual)
{
	const struct sim_event *event = expected(SIM_GOES_TO);
	int i;

	for (int k = 0; k < n; k++)
		if (can[k] == followed_core() && can[0] != sim_here)
			*usual = k;
	i = *usual;
	for (int k = 0; k < n && event; k++)
		if (can[k] == &sim_cores[event->to])
			i = k;
	return i;
}

/* The same, by the seed. */
static inline int choose_anew(struct sim_core **can, int n)
{
	bool any = any_core;

	if (sim_run.faults)
		n = sim_without_stalled(can, n);
	any_core = false;
	return n < 2 ? 0 : any ? (int)(sim_draw() % (uint64_t)n) : sim_strategy_choose(can, n);
}

/* turns: it is the next one's turn. */
static struct sim_core *choose(const struct sim_core *but, bool turns, const void *place)
{
	struct sim_core *can[SIM_MOST_CORES];
	int n = cores_that_can(can, but), usual = n > 1 && turns, i = 0;

	if (n == 0)
		return NULL;
	if (sim_run.follow)
		i = choose_followed(can, n, &usual);
	else if (n > 1 && sim_run.begun)
		i = choose_anew(can, n);
	/* Where the core waits, whoever goes on is news. */
	if (n > 1 && sim_run.begun && (i != 0 || can[0] != sim_here) && !(turns && i == usual))
		happened(SIM_GOES_TO, (int)(can[i] - sim_cores), place);
	return can[i];
}

/* ---- Interrupts ---- */

static void interrupt(void)
{
	struct sim_core *here = sim_here;

	here->masked = true;
	sim_interrupt(here->irq_stack + SIM_IRQ_STACK);
}

static bool interrupt_comes(void)
{
	return sim_run.follow
		       ? expected(SIM_INTERRUPT) != NULL
		       : sim_run.begun && !sim_interrupt_is_late() && sim_strategy_interrupts();
}

/* One that was served before, or never sent: what handlers and idle loops must bear. */
static void interrupt_again(const void *place)
{
	if (!sim_run.faults ||
	    !(sim_run.follow ? expected(SIM_AGAIN) != NULL : sim_interrupt_comes_again()))
		return;
	happened(SIM_AGAIN, 0, place);
	sim_here->reschedule = true;
	if (sim_here == &sim_cores[0])
		sim_here->devices |= UINT64_C(1) << SIM_UART_IRQ;
}

/* The card works a while, besides the cores. */
static void card_may_work(bool turns, const void *place)
{
	if (!sim_card_at || !sim_card_can_work())
		return;
	if (sim_run.follow ? expected(SIM_CARD) != NULL : sim_run.begun && sim_strategy_card())
		happened(SIM_CARD, 0, place);
	else if (!turns)
		return;
	sim_card_work();
}

static void ring(uint64_t lines)
{
	sim_cores[0].devices |= lines;
}

/* A line at which no device is comes: what hardware of the program's own would do. */
static void line_may_ring(const void *place)
{
	uint64_t lines = sim_free_lines();
	const struct sim_event *event;
	int line;

	if (!lines)
		return;
	if (sim_run.follow) {
		event = expected(SIM_RINGS);
		if (event) {
			ring(lines & UINT64_C(1) << event->to);
			happened(SIM_RINGS, event->to, place);
		}
	} else if (sim_run.begun && sim_strategy_rings()) {
		for (line = SIM_FREE_IRQ + (int)(sim_draw() % SIM_FREE_IRQS); !(lines >> line & 1);)
			line = line + 1 < SIM_FREE_IRQ + SIM_FREE_IRQS ? line + 1 : SIM_FREE_IRQ;
		ring(UINT64_C(1) << line);
		happened(SIM_RINGS, line, place);
	}
}

/* Time may pass only while others come along: one core with short timers would keep a core that the
 * strategy puts last from its turn, for as long as it likes. */
static bool some_core_lags(void)
{
	enum { MOST = 10 * SIM_SHORT_WHILE };

	for (int i = 0; i < sim_core_count; i++)
		if (&sim_cores[i] != sim_here && sim_can_go_on(&sim_cores[i]) &&
		    sim_time - sim_cores[i].last_at > MOST)
			return true;
	return false;
}

/* A core's own work takes no long time twice: timers would go off faster than what they start can run. */
static bool may_skip(void)
{
	bool own = sim_current->flags & CO_KERNEL, may = !own || !sim_here->own_skipped;

	if (!own)
		sim_here->own_skipped = false;
	return may && !some_core_lags();
}

void sim_decide(const void *place, uintptr_t at, unsigned how)
{
	struct sim_core *here = sim_here;
	bool turns;

	here->next_at = at;
	here->next_how = how;

	count_steps();
	if (sim_points && sim_run.begun) {
		sim_point(place, SIM_POINT_STEP);
		if (sim_point_may_fail(at, how) && expected(SIM_FAILS))
			sim_fails_at(1);
	}
	turns = turn_is_over();
	card_may_work(turns, place);
	line_may_ring(place);
	if (here->deadline > sim_time && here->deadline - sim_time < SIM_SHORT_WHILE &&
	    (sim_run.follow ? expected(SIM_TIME_PASSES) != NULL
			    : sim_run.begun && may_skip() && sim_strategy_time_passes())) {
		happened(SIM_TIME_PASSES, 0, place);
		here->own_skipped = true;
		skip_to(here->deadline);
	} else if (turns && here->deadline > sim_time &&
		   here->deadline - sim_time < SIM_SHORT_WHILE) {
		skip_to(here->deadline);
	}
	go_to(choose(NULL, turns, place)); /* who has come here has counted its steps */
	interrupt_again(place);
	if (!here->masked && sim_interrupt_waits(here) && (interrupt_comes() || turns)) {
		if (!turns)
			happened(SIM_INTERRUPT, 0, place);
		go_on();
		interrupt();
		count_steps();
	}
	go_on();
}

/* What was just done is what matters in this run: in half of all cases a core is drawn within a few steps. */
void sim_decide_soon(void)
{
	uint64_t draw;

	if (!sim_run.begun || sim_run.follow)
		return;
	draw = sim_draw();
	if (draw & 1)
		return;
	count_steps();
	gap = sim_quiet = (int64_t)(draw >> 1 & SOON);
	any_core = true;
}

/* ---- What a load may have ---- */

int sim_choose_old(int n, const void *place)
{
	int i = 0;

	count_steps();
	if (sim_points && sim_run.begun)
		sim_point(place, SIM_POINT_VALUE);
	if (sim_run.follow) {
		const struct sim_event *event = expected(SIM_OLD);

		i = event && event->to < n ? event->to : 0;
	} else {
		i = sim_strategy_old(n);
	}
	if (i)
		happened(SIM_OLD, i, place);
	return i;
}

/* The place of such an event is how many there could have been before, in the whole run: a frame is lost
 * whoever has sent it when. */
int sim_choose_wire(int n, enum sim_wire what)
{
	static uint64_t before;
	const struct sim_events *list = sim_run.follow;
	struct sim_event event = {.kind = SIM_WIRE,
				  .core = (uint8_t)(sim_here - sim_cores),
				  .steps = before++};

	for (int i = 0; list && i < list->n; i++)
		if (list->event[i].kind == SIM_WIRE &&
		    event.steps == (list->by_points ? sim_point_wire(&list->event[i])
						    : list->event[i].steps)) {
			event.to = list->event[i].to;
			if (sim_points)
				sim_point_happens(&list->event[i]);
		}
	if (!list && sim_run.begun && (what == SIM_FEATURES || sim_frame_is_lost()))
		event.to = (uint8_t)(sim_draw() % (uint64_t)n);
	if (event.to)
		has_happened(&event, (char *)sim_choose_wire + 1);
	return event.to;
}

/* ---- Looking ---- */

static struct {
	uint64_t time;
	int64_t quiet;
	bool begun;
} before_look;

void look_begin(void)
{
	before_look.time = sim_time;
	before_look.quiet = sim_quiet;
	before_look.begun = sim_run.begun;
	sim_quiet = SIM_NEVER;
	sim_run.begun = false;
}

void look_end(void)
{
	sim_time = before_look.time;
	sim_quiet = before_look.quiet;
	sim_run.begun = before_look.begun;
}

/* ---- Waiting ---- */

static uint64_t first_deadline(void)
{
	uint64_t first = TIME_NEVER;

	for (int i = 0; i < sim_core_count; i++)
		if (!sim_cores[i].stopped && sim_cores[i].deadline < first)
			first = sim_cores[i].deadline;
	return first;
}

/* All cores wait: until the first timer, or for what comes from outside. */
static void pass_time(void)
{
	uint64_t first, timer = first_deadline();

	if (sim_card_can_work()) {
		sim_card_work();
		return;
	}
	first = sim_card_due();
	if (timer < first)
		first = timer;
	if (first == TIME_NEVER && sim_free_lines())
		ring(sim_free_lines());
	else if (first == TIME_NEVER && !sim_uart_wait())
		sim_fail("hang", "every core waits, and nothing can come");
	if (first != TIME_NEVER && first > sim_time)
		skip_to(first);
}

void sim_halt_(void);
void sim_relax_(void);
void sim_interrupts_off_(void);
void sim_interrupts_on_(void);

void sim_halt_(void)
{
	struct sim_core *here = sim_here, *next;
	const void *place = __builtin_return_address(0);

	sim_quiet--;
	count_steps();
	if (sim_points && sim_run.begun)
		sim_point(place, SIM_POINT_STEP);
	here->masked = false;
	here->halted = true;
	here->next_at = 0;
	while (!(next = choose(NULL, false, place)))
		pass_time();
	go_to(next);
	here->halted = false;
	go_on();
	if (sim_interrupt_waits(here))
		interrupt();
}

/* This core waits for another, or has seen an old value of what is free by now: so where no other can go on, time is
 * skipped at one of 64 calls, and not to what is far away. */
void sim_relax_(void)
{
	struct sim_core *here = sim_here, *next;
	uint64_t first = first_deadline();

	sim_quiet--;
	count_steps();
	if (sim_points && sim_run.begun)
		sim_point(__builtin_return_address(0), SIM_POINT_STEP);
	here->next_at = 0;
	sim_strategy_waits(here);
	sim_time += SIM_STEP_NS;
	next = choose(here, false, __builtin_return_address(0));
	if (next)
		go_to(next);
	else if (first > sim_time && ++here->relaxed % 64 == 0)
		skip_to(first - sim_time < SIM_SHORT_WHILE ? first : sim_time + SIM_SHORT_WHILE);
	count_steps();
	go_on();
	if (!here->masked && sim_interrupt_waits(here))
		interrupt();
}

void sim_interrupts_off_(void)
{
	sim_here->masked = true;
}

void sim_interrupts_on_(void)
{
	sim_here->masked = false;
	if (sim_interrupt_waits(sim_here))
		interrupt();
}

/* ---- Beginning ---- */

void sim_settle(void)
{
	struct sim_core *can[SIM_MOST_CORES];

	while (cores_that_can(can, sim_here) > 0) {
		go_to(can[0]);
		count_steps();
		go_on();
	}
}

void sim_go_on(void)
{
	count_steps();
	go_on();
}
