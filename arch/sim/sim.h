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

#include "arch/arch.h"
#include "kernel/core.h"

enum { SIM_STACK_ROOM = 1024 };
enum { SIM_IRQ_STACK = 32 * 1024 };

/* Statuses of the process: see docs. */
enum { STATUS_PANIC = 134, STATUS_USAGE = 2, STATUS_FAILURE = 3 };

/* A context: words of switch.S. */
enum { SIM_CONTEXT_RBP = 6, SIM_CONTEXT_RETURN = 7 };

/* Also the frame of who was interrupted: then rsp is that of a context. */
struct arch_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t rip, rsp, rflags, error, cr2;
};

struct sim_core {
	struct core *core;
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
	_Alignas(64) char irq_stack[SIM_IRQ_STACK];
};

extern struct sim_core sim_cores[MAX_CORES];
extern int sim_core_count; /* that were started */
extern struct sim_core *sim_here;
extern uint64_t sim_time; /* ns */

/* ---- Events, see step.c ---- */

enum sim_event_kind { SIM_GOES_TO, SIM_INTERRUPT, SIM_TIME_PASSES };

struct sim_event {
	uint8_t kind, core, to; /* to: with SIM_GOES_TO */
	uint64_t steps;         /* of that core, from the beginning */
};

enum { SIM_EVENTS = 64 * 1024 };

struct sim_events {
	int64_t app_weight; /* see sim_step */
	int n;
	bool lost; /* there were more */
	struct sim_event event[SIM_EVENTS];
};

/* ---- step.c ---- */

#define SIM_NEVER INT64_MAX

/* A run: from when main begins. */
struct sim_run {
	bool begun;
	bool tell;                       /* events, as they happen: see sim_tell */
	const struct sim_events *follow; /* in place of a strategy */
	struct sim_events *events;       /* where they are kept */
	struct sim_work *measured;       /* where it is, if this run is measured */
	int64_t app_weight;
	uint64_t steps; /* with its weight */
	uint64_t limit; /* for sim_steps */
};
extern struct sim_run sim_run;

/* Accesses until the next decision. */
extern int64_t sim_quiet;
enum { SIM_STEP_NS = 10 };

/* place: where in the program. */
void sim_decide(const void *place);
void sim_look_begin(void); /* calls of the kernel until sim_look_end are no steps */
void sim_look_end(void);
void sim_settle(void);        /* until all other cores wait */
uint64_t sim_steps(void);     /* since the machine began */
void sim_go_on(void);         /* with a strategy, or events, that has just been chosen */
uint64_t sim_decisions(void); /* a hash of all so far */

extern char __text_app_start[], __text_app_end[];

/* One of the application's accesses counts as several of the kernel's: app_weight of the run. */
static inline __attribute__((always_inline)) void sim_step(void)
{
	uintptr_t place = (uintptr_t)__builtin_return_address(0);

	sim_time += SIM_STEP_NS;
	sim_quiet -= place - (uintptr_t)__text_app_start <
				     (uintptr_t)(__text_app_end - __text_app_start)
			     ? sim_run.app_weight
			     : 1;
	if (__builtin_expect(sim_quiet < 0, 0))
		sim_decide((void *)place);
}

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

int64_t sim_strategy_gap(void);                              /* steps to the next decision */
int sim_strategy_choose(struct sim_core *const *can, int n); /* n > 1; the first is the usual one */
bool sim_strategy_interrupts(void);
bool sim_strategy_time_passes(void);
void sim_strategy_waits(const struct sim_core *core); /* it waits for another */
void sim_strategy_worked(const struct co *co, uint64_t steps);

/* ---- watch.c ---- */

enum { SIM_TURNS = 4096 };
void sim_timer_came(void); /* on the core that goes on */

/* ---- start.c ---- */

/* An option of the environment: its text, "" where it is not set; or the number it is. size: with
 * K, M or G, and not 0. */
const char *sim_option(char **env, const char *name);
uint64_t sim_number(char **env, const char *name, uint64_t otherwise, bool size);

/* ---- explore.c ---- */

/* Ends the process with a line: what is wrong with how it was called. */
_Noreturn void sim_usage(const char *name, const char *what, const char *value);

/* The options, by the environment. */
void sim_explore_init(char **env);
/* A failure that the program itself does not show. */
_Noreturn void sim_fail(const char *kind, const char *why);
_Noreturn void sim_starves(const struct co *co);
/* The end of a run. */
_Noreturn void sim_end(int status);
/* A line of the story. */
void sim_tell(const struct sim_event *event, const void *place);

/* ---- cores.c ---- */

void sim_load_locals(void);                      /* those of the core that goes on */
bool sim_can_go_on(const struct sim_core *core); /* it is not stopped, and does not wait */
bool sim_interrupt_waits(const struct sim_core *core);
void sim_serve(struct arch_regs *regs); /* what waits; on the interrupt stack */

/* ---- switch.S ---- */

/* Leaves the core that goes on, whose place to stop is *sp, for one that has stopped at next. */
void sim_switch(void **sp, void *next);
/* Calls sim_serve on stack, with the registers of the caller in place of those that were
 * interrupted; masks interrupts until then. */
void sim_interrupt(void *stack);
_Noreturn void sim_enter(void *top, void (*fn)(void *arg), void *arg);

/* ---- memory.c, faults.c, uart.c ---- */

void sim_memory_init(size_t size);
void sim_faults_init(void);
bool sim_uart_wait(void); /* for input, when nothing else can happen; false: there will be none */
uint64_t sim_uart_read(unsigned reg);
void sim_uart_write(unsigned reg, uint64_t value);
void sim_flush(void);
void sim_put(int file, const char *text);
void sim_put_number(int file, uint64_t number, unsigned base);
extern bool sim_silent; /* what the program prints goes nowhere */

uint64_t date_read(void); /* as drivers/date.h has it */

enum { SIM_UART = 0x3f8, SIM_UART_IRQ = 4 };

/* A system call: a result, or a negative errno value. */
static inline long sim_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#endif
