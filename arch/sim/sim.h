/*
 * What the files of this port tell each other. Nobody outside arch/sim includes this.
 *
 * The machine is a process with one thread. A core is a context of that thread; at each access to
 * memory that GCC has instrumented (-fsanitize=thread calls access.c) step.c decides, by the seed,
 * which core goes on and whether an interrupt comes. Nothing of it depends on the host: addresses
 * are fixed, time is the count of steps, and there is no C library of the host.
 *
 * Nothing in this folder is instrumented, so it is not interrupted; it runs on the stack of whoever
 * made the access, of which access.c has touched SIM_STACK_ROOM bytes before.
 */
#ifndef SIM_H
#define SIM_H

#include "arch/devices.h"
#include "debug/who.h"
#include "kernel/co.h"
#include "kernel/core.h"

enum { SIM_STACK_ROOM = 1024 };
enum { SIM_IRQ_STACK = 36 * 1024 }; /* with a guard page, its first */

/* Statuses of the process: see docs. */
enum { STATUS_PANIC = 134, STATUS_USAGE = 2, STATUS_FAILURE = 3 };

/* A context: words of switch.S. */
enum { SIM_CONTEXT_RBP = 6, SIM_CONTEXT_RETURN = 7 };

/* Also the frame of who was interrupted: then rsp is that of a context. */
struct arch_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t rip, rsp, rflags, error, cr2;
};

/* What is not undone between two runs: see snapshot.c. */
#define SIM_KEPT __attribute__((section(".sbss.sim_kept")))

/* ---- agents.c: who accesses memory, and what happened before ---- */

enum { SIM_KERNEL_AGENTS = 8, SIM_PROGRAM_AGENTS = 56 };
enum { SIM_AGENTS = SIM_KERNEL_AGENTS + SIM_PROGRAM_AGENTS, SIM_WIDEST = SIM_PROGRAM_AGENTS };
enum { SIM_MOST_CORES = SIM_KERNEL_AGENTS };

/* Of each agent of a world: up to which of its times. */
struct sim_clock {
	uint32_t at[SIM_WIDEST];
};

struct sim_world {
	int first, width; /* agents: the first, and how many there are yet, of which clocks know */
};
extern struct sim_world sim_worlds[2]; /* the kernel's, the program's */

struct sim_agent {
	uint8_t world;
	uint8_t own;     /* its place in clocks; before.at[own] is its time */
	uint8_t sole;    /* what only it has accessed: see shadow.h */
	uint16_t users;  /* coroutines that it is */
	uint64_t fenced; /* sequentially consistent stores before its last such fence */
	uint32_t cell;   /* who it is, in a cell of shadow.h */
	/* What happened before what it does next; and what else it cannot read older values than. */
	struct sim_clock before, seen;
	/* The same: at its last release fence; of what relaxed loads have read, for an acquire fence. */
	struct sim_clock released, released_seen, awaited, awaited_seen;
};
extern struct sim_agent sim_agents[SIM_AGENTS];
extern bool sim_inexact; /* a table was full: what seems not to be ordered may be */
/* From here on no race is reported, and each load has the last store. */
void sim_be_inexact(void);

void sim_agents_begin(void);
struct sim_agent *sim_program_agent(void);
/* The coroutine on whose stack at is; NULL: none, or one that shares its agent. */
const struct co *sim_stack_owner(uintptr_t at);

static inline void sim_join(struct sim_clock *to, const struct sim_clock *from, int width)
{
	for (int i = 0; i < width; i++)
		if (from->at[i] > to->at[i])
			to->at[i] = from->at[i];
}

struct sim_core {
	struct core *core;
	struct sim_agent *self;
	struct co *current; /* while another core goes on */
	void *sp;           /* the same: see sim_switch */
	bool masked;        /* interrupts */
	bool halted;        /* until there is one */
	bool stopped;       /* for good */
	bool reschedule;    /* an interrupt that is pending */
	uint64_t devices;   /* the same, of devices, by their number */
	uint64_t deadline;  /* of the timer */
	uintptr_t locals;   /* the thread pointer */
	uint64_t steps;     /* since the machine began */
	uint64_t last_at;   /* sim_time, when it went on last */
	unsigned relaxed;   /* times that it has waited for another, and none could go on */
	bool own_skipped;   /* time has been skipped since a coroutine of the program was there */
	/* The access that it was about to make when it was decided last: see sim_decide. */
	uintptr_t next_at;
	unsigned next_how;
	/* The agent that its current coroutine is, if it still is agent_of, with agent_id. */
	struct sim_agent *agent;
	const struct co *agent_of;
	uint64_t agent_id;
	bool nobody;               /* see debug/order.h */
	struct sim_clock notified; /* what happened before its reschedule interrupt */
	_Alignas(PAGE_SIZE) char irq_stack[SIM_IRQ_STACK];
};

extern struct sim_core sim_cores[MAX_CORES];
extern int sim_core_count; /* that were started */
extern struct sim_core *sim_here;
extern uint64_t sim_time; /* ns */

/* ---- Events, see step.c ---- */

enum sim_event_kind {
	SIM_GOES_TO,
	SIM_INTERRUPT,
	SIM_TIME_PASSES,
	SIM_AGAIN,
	SIM_RINGS,
	SIM_CARD,
	SIM_OLD,
	SIM_WIRE,
	SIM_FAILS /* an allocation; in a schedule of points only */
};

struct sim_event {
	uint8_t kind, core;
	uint8_t to; /* the core, with SIM_GOES_TO; the line, with SIM_RINGS; how old, with SIM_OLD; which, with SIM_WIRE */
	/* Of that core, from the beginning; with SIM_WIRE: see sim_choose_wire; of a schedule of points: see point.c. */
	uint64_t steps;
};

enum { SIM_EVENTS = 96 * 1024 };

struct sim_events {
	int64_t app_weight; /* see sim_step */
	long fails_at;      /* see sim_fails_at */
	uint64_t random;    /* see sim_random_begin */
	int n;
	bool lost;      /* there were more */
	bool by_points; /* their places: see point.c */
	struct sim_event event[SIM_EVENTS];
};

/* ---- step.c ---- */

#define SIM_NEVER INT64_MAX

/* A run: from when main begins. */
struct sim_run {
	bool begun;
	bool tell;                       /* events, as they happen: see sim_tell */
	const struct sim_events *follow; /* in place of a strategy */
	bool record;                     /* those that are followed, by points: see point.c */
	struct sim_events *events;       /* where they are kept */
	struct sim_work *measured;       /* where it is, if this run is measured */
	int64_t app_weight;
	unsigned faults; /* bits: enum sim_fault */
	uint64_t steps;  /* with its weight */
	uint64_t limit;  /* for sim_steps */
};
extern struct sim_run sim_run;

/* Accesses until the next decision. */
extern int64_t sim_quiet;
enum { SIM_STEP_NS = 10 };

/* Before an access (enum sim_how; 8 bytes or some of them, at): place, where in the program. */
void sim_decide(const void *place, uintptr_t at, unsigned how);
void sim_decide_soon(void);
/* Calls of the kernel in between are no steps: as debug/order.h has them. */
void look_begin(void);
void look_end(void);
void sim_settle(void);        /* until all other cores wait */
uint64_t sim_steps(void);     /* since the machine began */
void sim_go_on(void);         /* with a strategy, or events, that has just been chosen */
uint64_t sim_decisions(void); /* a hash of all so far */

extern char __text_app_start[], __text_app_end[];

static inline bool sim_in_app(const void *place)
{
	return (uintptr_t)place - (uintptr_t)__text_app_start <
	       (uintptr_t)(__text_app_end - __text_app_start);
}

/* One of the application's accesses counts as several of the kernel's: app_weight of the run. True: a
 * decision is due. */
static inline __attribute__((always_inline)) bool sim_count_step(const void *place)
{
	sim_time += SIM_STEP_NS;
	sim_quiet -= sim_in_app(place) ? sim_run.app_weight : 1;
	return __builtin_expect(sim_quiet < 0, 0);
}

static inline __attribute__((always_inline)) void sim_step_to(uintptr_t at, unsigned how)
{
	const void *place = __builtin_return_address(0);

	if (sim_count_step(place))
		sim_decide(place, at, how);
}

/* One that is no access. */
static inline __attribute__((always_inline)) void sim_step(void)
{
	sim_step_to(0, 0);
}

/* An access to much memory takes as long as a step for each line of the cache, though nothing is decided in it. So
 * steps bound what a run takes of the host, too. */
static inline void sim_takes_long(size_t size)
{
	enum { LINE_SIZE = 64 };
	size_t lines = size / LINE_SIZE;

	sim_time += lines * SIM_STEP_NS;
	sim_quiet -= (int64_t)lines;
}

static inline struct sim_agent *sim_core_agent(void)
{
	return sim_here->self;
}

/* Who accesses memory at place. */
static inline struct sim_agent *sim_agent_at(const void *place)
{
	return sim_in_app(place) ? sim_program_agent() : sim_core_agent();
}

/* A load may have any of n values, or a store come at any of n places: which, 0 is the usual. */
int sim_choose_old(int n, const void *place);
/* The same for what a card does: with a frame, one of several fates; with its features. */
enum sim_wire { SIM_FRAMES, SIM_FEATURES };
int sim_choose_wire(int n, enum sim_wire what);

/* ---- model.c: atomic locations; value and was are what is in memory ---- */

extern bool sim_consistent;

/* The value that it reads. */
uint64_t sim_model_load(struct sim_agent *a, uintptr_t at, uint64_t value, int order,
			const void *place);
/* True: it is the last in the modification order, so memory is to have the value. */
bool sim_model_store(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order,
		     const void *place);
/* An operation that reads the last, and is the last. */
void sim_model_change(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order);
/* What a comparison of the program's finds. -1: what it is to be equal to. Else it fails, and reads what is so
 * many stores older than the last: 0 also where it is weak, and fails for no reason. */
int sim_model_compare(struct sim_agent *a, uintptr_t at, uint64_t value, uint64_t with, bool weak,
		      int failing, const void *place);
/* One that reads what is so many stores older than the last. */
uint64_t sim_model_read(struct sim_agent *a, uintptr_t at, uint64_t value, int older, int order);
/* Memory that somebody of the program has anew: nothing of what was stored there is left. */
void sim_model_forget(uintptr_t from, uintptr_t to);
void sim_model_fence(struct sim_agent *a, int order);

/* ---- weaken.c ---- */

enum {
	SIM_OPERATION = 1,
	SIM_COMPARISON = 2
}; /* which of an operation's orders; the 2nd: one that fails */
extern bool sim_weakens;

void sim_weaken(const char *text);
int sim_weakened(int order, unsigned of, const void *place);
void sim_weaken_end(void);

/* The order that an operation has which says order. */
static inline int sim_order(int order, unsigned of, const void *place)
{
	return __builtin_expect(sim_weakens, 0) ? sim_weakened(order, of, place) : order;
}

/* ---- blocks.c ---- */

/* Who did something, and where. */
enum { SIM_DEEP = 12 };
struct sim_trace {
	uint64_t id;
	int core, n;
	bool handler;
	char name[NAME_SIZE];
	uintptr_t pc[SIM_DEEP];
};
/* fp: the frame of a function that place has called, maybe by others. */
void sim_trace(struct sim_trace *t, const void *place, const uintptr_t *fp);
void sim_put_co(uint64_t id, const char *name);
void sim_put_who(const struct sim_trace *t);
/* The function that has called what returns to pc. */
const char *sim_function_at(uintptr_t pc);
void sim_put_stack(const struct sim_trace *t);

/* A block that was given, and maybe freed: the last of its address. */
struct sim_block {
	uintptr_t at;
	size_t size;
	bool live, owed; /* the program is to give it back */
	bool reached;    /* see leaks.c */
	struct sim_trace given, freed;
};
/* Of at; with size 0 if it was not known; NULL: there is no room. */
struct sim_block *sim_block_at(uintptr_t at);
/* The innermost block around at, or else one right beside it; NULL: none. */
const struct sim_block *sim_block_around(uintptr_t at);
void sim_put_block(uintptr_t at);
/* False: there were others, which are not known. */
bool sim_each_block(void (*visit)(struct sim_block *block));

/* ---- frames.c ---- */

/* at is on another coroutine's stack, where the function that had it has returned. */
bool sim_has_returned(uintptr_t at);

/* ---- race.c ---- */

enum sim_how { SIM_WRITE = 1, SIM_ATOMIC = 2 };

void sim_race_init(void);
void sim_shadow_undo(void);
/* A stack from which nobody has anything, or that of a coroutine that has ended. */
void sim_memory_stack(uintptr_t from, uintptr_t to, bool ended);
/* What the program has of the kernel's memory, and another coroutine had before: nobody has accessed it. */
void sim_memory_anew(uintptr_t at, size_t size);
/* Where a run before has had one: see sim_windows_undo. */
void sim_memory_left(uintptr_t from, uintptr_t to);

/* An access, of which a run has told that another races with it. */
struct sim_watch {
	uintptr_t bytes_at; /* 8 of them */
	uint32_t time;
	uint8_t agent, how, bytes;
};
extern struct sim_watch *sim_watch; /* to be looked for; NULL: none */

/* Ends the run where it is not allowed, or not ordered with another's. */
void sim_look_at(uintptr_t at, size_t size, unsigned how, const void *place);

/* The same for the program's own access below its stack pointer sp, maybe on another stack. */
void sim_look_below(uintptr_t at, size_t size, unsigned how, const void *place, uintptr_t sp);

/* The same by who is no core: see card.c. */
void sim_look_as(struct sim_agent *a, uintptr_t at, size_t size, unsigned how);

static inline void sim_access(uintptr_t at, size_t size, unsigned how, const void *place)
{
	if (sim_run.begun)
		sim_look_at(at, size, how, place);
}

/* ---- point.c: a schedule that outlives a change of the program ---- */

extern bool sim_points; /* they are counted */
void sim_points_init(void);
/* For the run that begins, of which sim_run has been told. */
void sim_points_begin(void);
/* A coroutine is made, by who goes on. */
void sim_point_spawned(const struct co *co);
/* Who goes on is before a step at place, or before the choice of a value there. */
enum sim_point_of { SIM_POINT_STEP = 's', SIM_POINT_VALUE = 'v' };
void sim_point(const void *place, enum sim_point_of what);
/* An event that is followed: who goes on is at its point. */
void sim_point_happens(const struct sim_event *event);
/* Of a schedule of points that is followed: which event, not before from, is due where who goes on is, if it is
 * of such a kind (-1: none); with SIM_GOES_TO, to which core; with SIM_WIRE, its place. */
int sim_point_due(int from, enum sim_event_kind kind);
int sim_point_goes_to(const struct sim_event *event);
uint64_t sim_point_wire(const struct sim_event *event);
/* An allocation is still to fail; one may, where who goes on is before such an access, and a schedule decides. */
bool sim_point_fails_later(void);
bool sim_point_may_fail(uintptr_t at, unsigned how);
/* How many of its events were followed: a line. */
void sim_points_say(void);
/* The schedule of the last run that was recorded; what tools/schedule.py has made of one. */
const struct sim_events *sim_points_recorded(void);
const struct sim_events *sim_schedule(const char *text);

/* ---- strategy.c ---- */

/* The most that passes without a step, unless all cores wait: a time slice, and a bit. */
enum { SIM_SHORT_WHILE = 20 * 1000 * 1000 };

enum sim_strategy { SIM_MIX, SIM_RANDOM, SIM_STICKY, SIM_PCT, SIM_POS, SIM_URW, SIM_STRATEGIES };
extern const char *const sim_strategy_names[SIM_STRATEGIES];

/* How many steps all take, and each coroutine, by its id: about, for a few ids share one. */
enum { SIM_KNOWN = 1024 };
struct sim_work {
	uint64_t all, steps[SIM_KNOWN];
};
void sim_work_done(struct sim_work *work, const struct co *co, uint64_t steps);

/* app_weight is one of these. */
enum { SIM_WEIGHTS = 2 };
extern const int64_t sim_weights[SIM_WEIGHTS];

/* From here on, by seed. measured: what a run of this program takes, with each weight. */
void sim_strategy_begin(enum sim_strategy strategy, uint64_t seed, const struct sim_work *measured);
uint64_t sim_draw(void); /* the next of the seed's numbers */
/* Numbers that are the same where the run's events are followed; from here on, by seed. */
void sim_random_begin(uint64_t seed);
uint64_t sim_random(void);

int64_t sim_strategy_gap(void);                              /* steps to the next decision */
int sim_strategy_choose(struct sim_core *const *can, int n); /* n > 1; the first is the usual one */
bool sim_strategy_interrupts(void);
bool sim_strategy_time_passes(void);
bool sim_strategy_card(void);                         /* it works, not a core */
bool sim_strategy_rings(void);                        /* a line at which no device is */
int sim_strategy_old(int n);                          /* 0 to n - 1; 0 is the usual one */
void sim_strategy_waits(const struct sim_core *core); /* it waits for another */
void sim_strategy_worked(const struct co *co, uint64_t steps);

/* ---- trouble.c ---- */

enum sim_fault {
	SIM_FAULT_MEMORY,
	SIM_FAULT_LATE,
	SIM_FAULT_STALL,
	SIM_FAULT_NET,
	SIM_FAULT_INPUT,
	SIM_FAULTS
};

unsigned sim_faults_named(const char *list);       /* bits; what is not known is the end */
void sim_trouble_begin(struct sim_events *events); /* by seed; events: NULL, or told of it */
void sim_fails_at(long n);                         /* the nth allocation from here fails; 0: none */
bool sim_frame_is_lost(void);                      /* or meets with another fate */
bool sim_interrupt_is_late(void);                  /* at the core that goes on */
bool sim_interrupt_comes_again(void);              /* the same */
int sim_without_stalled(struct sim_core **can, int n); /* how many are left, one at least */
size_t sim_input_that_comes(size_t n);                 /* of n bytes */

/* ---- card.c ---- */

enum { SIM_CARD_AGENT = SIM_KERNEL_AGENTS - 1 }; /* so there is one core less */
extern uintptr_t sim_card_at;                    /* its registers; 0: not yet */
uint64_t sim_card_read(unsigned reg);
void sim_card_write(unsigned reg, uint64_t value);
bool sim_card_can_work(void);
void sim_card_work(void);
uint64_t sim_card_due(void); /* when it can again; TIME_NEVER: not by itself */

/* ---- watch.c ---- */

enum { SIM_TURNS = 4096 };
void sim_timer_came(void); /* on the core that goes on */

/* ---- leaks.c ---- */

extern bool sim_leaks; /* what is left at the end is looked for */
extern struct co *sim_exiter;
extern uintptr_t sim_exit_sp, sim_exit_regs[6];
/* At the end. Returns if there is none, or the program has a status of its own. */
void sim_look_for_leaks(int status);

/* ---- start.c ---- */

/* An option of the environment: its text, "" where it is not set; or the number it is. size: with
 * K, M or G, and not 0. */
const char *sim_option(char **env, const char *name);
bool sim_same(const char *a, const char *b);
uint64_t sim_number(char **env, const char *name, uint64_t otherwise, bool size);

/* ---- snapshot.c ---- */

extern bool sim_snapshot; /* it has been taken */
void *sim_reserve(size_t size);
/* Before: what else it is to have. */
void sim_snapshot_add(uintptr_t from, uintptr_t to);
void sim_snapshot_take(void);
/* What is there now is what will be there again. */
void sim_snapshot_keep(uintptr_t at, size_t size);
/* The first write to it, which may go on: true. */
bool sim_snapshot_written(uintptr_t at);
/* Calls fn, on a stack that is not undone. sim_inside goes on behind this call, until sim_inside_ends. */
void sim_outside(void (*fn)(void));
void sim_inside(void);
_Noreturn void sim_inside_ends(void);

static inline void sim_clear(void *at, size_t size)
{
	size_t n = size / sizeof(uint64_t);

	__asm__ volatile("rep stosq" : "+D"(at), "+c"(n) : "a"(0) : "memory");
}

/* ---- explore.c ---- */

/* Ends the process with a line: what is wrong with how it was called. */
_Noreturn void sim_usage(const char *name, const char *what, const char *value);

/* Of standard input, at most size bytes: how many; 0 or less: its end. */
long sim_read_input(uint8_t *to, long size);
/* The options, by the environment. */
void sim_explore_init(char **env);
/* A run goes on for so many seconds that it is to end. */
bool sim_is_too_long(void);
/* A failure that the program itself does not show. */
_Noreturn void sim_fail(const char *kind, const char *why);
/* Says so, in a run that goes on to say more, and to end with STATUS_FAILURE. */
bool sim_tells(void); /* what a run says is seen */
void sim_failed(const char *kind);
_Noreturn void sim_fail_race(const struct sim_watch *first);
_Noreturn void sim_starves(const struct co *co);
/* The end of a run. */
_Noreturn void sim_end(int status);
/* The same, of a panic, where nothing is as it was. */
_Noreturn void sim_die(void);
/* The name of co, without a step. */
const char *sim_name_of(const struct co *co);

/* ---- story.c ---- */

/* A line of the story. */
void sim_tell(const struct sim_event *event, const void *place);

/* ---- cores.c ---- */

void sim_load_locals(void);          /* those of the core that goes on */
extern uint64_t sim_devices_enabled; /* bits, by their numbers */

static inline bool sim_interrupt_waits(const struct sim_core *c)
{
	return c->reschedule || (c->devices & sim_devices_enabled) || c->deadline <= sim_time;
}

/* It is not stopped, and does not wait. */
static inline bool sim_can_go_on(const struct sim_core *c)
{
	return !c->stopped && (!c->halted || sim_interrupt_waits(c));
}

void sim_serve(struct arch_regs *regs); /* what waits; on the interrupt stack */

/* ---- switch.S ---- */

/* Leaves the core that goes on, whose place to stop is *sp, for one that has stopped at next. */
void sim_switch(void **sp, void *next);
/* Calls sim_serve on stack, with the registers of the caller in place of those that were
 * interrupted; masks interrupts until then. */
void sim_interrupt(void *stack);
_Noreturn void sim_enter(void *top, void (*fn)(void *arg), void *arg);
/* A system call of Linux: a result, or a negative errno value. There are no others: see refused.c. */
long sim_call(long number, long a, long b, long c, long d, long e, long f);

/* ---- refused.c ---- */

void sim_refuse_init(void);
/* The program asked for what is not there: ends the process with a line, and STATUS_USAGE. */
_Noreturn void sim_refused(const char *what, uintptr_t pc);
bool sim_is_refused(int signal, int code); /* that is why such a signal came */

/* ---- memory.c, faults.c, uart.c ---- */

#define SIM_MOST_MEMORY (UINT64_C(1) << 36) /* of which all is kept that shadow.h has */
void sim_memory_init(size_t size);
void sim_memory_record(const char *text);
void sim_memory_forget_record(void); /* what this process records from here on is its own */
size_t sim_windows_size(void);
void sim_windows_protect(void);
void sim_windows_undo(void);
void sim_windows_leave(void);      /* behind sim_shadow_undo: with what undo has left */
void sim_window_met(uintptr_t at); /* that page is accessed, and is to be none */
bool sim_window_written(uintptr_t at);
void sim_faults_init(void);
bool sim_uart_wait(void); /* for input, when nothing else can happen; false: there will be none */
uint64_t sim_uart_read(unsigned reg);
void sim_uart_write(unsigned reg, uint64_t value);
void sim_flush(void);
void sim_put(int file, const char *text);
void sim_put_number(int file, uint64_t number, unsigned base);
extern bool sim_silent; /* what the program prints goes nowhere */

uint64_t date_read(void); /* as drivers/date.h has it */

enum { SIM_UART = 0x3f8, SIM_UART_IRQ = 4, SIM_CARD_IRQ = 5 };

/* Lines at which no device is: each comes again and again, once somebody listens. */
enum { SIM_FREE_IRQ = 8, SIM_FREE_IRQS = 8 };
#define SIM_FREE_LINES (((UINT64_C(1) << SIM_FREE_IRQS) - 1) << SIM_FREE_IRQ)

/* Those that somebody listens to: bits. */
static inline uint64_t sim_free_lines(void)
{
	return sim_devices_enabled & SIM_FREE_LINES;
}

#endif
