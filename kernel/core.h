/*
 * struct core: a processor, with its proc, the scheduling state that a core needs to run
 * coroutines. "Owner only" means: by code that runs on this core with nopreempt > 0.
 */
#ifndef KERNEL_CORE_H
#define KERNEL_CORE_H

#include <vole/irq.h>

#include "kernel/co.h"
#include "kernel/runq.h"
#include "kernel/shared.h"
#include "kernel/wheel.h"

/* Pages for stack faults while preemption is off; below the second number it is filled up before
 * anything else runs. */
enum { PAGE_RESERVE = 16, PAGE_RESERVE_LOW = 8 };
enum { MAX_SLAB_CACHES = 64 };
enum { MAGAZINE_SIZE = 32 };

/* A stack of free objects of one slab cache, or of pages. */
struct magazine {
	uint32_t count;
	void *object[MAGAZINE_SIZE];
};

struct proc {
	/* Owner only. */
	struct co *runnext; /* runs next, in its waker's time slice */
	bool slice_armed;   /* slice_end is set: always where something waits here */
	bool slice_new;     /* it began with a pick, and slice_began is not set yet */
	bool slice_whole;   /* of one that has used up a slice before */
	struct runq runq;
	struct co_list expired; /* those that have used up a slice: after those that have not */
	struct co_list urgent;  /* urgent, and pinned here */
	uint64_t slice_began, slice_end;
	uint64_t expired_at; /* then the first of expired goes to runq */

	struct steal_ring ring; /* put by the owner, taken by anyone */

	/* Anyone pushes, the owner takes all. */
	_Alignas(64) _Atomic(struct co *) inbox;
	_Atomic(struct irq_work *) deferred;
};

/* Whose code runs on a core beside that of coroutines: an interrupt handler's, or that of a function
 * of irq_defer. */
enum { HANDLER_IRQ = 1, HANDLER_DEFERRED = 2 };

#define CORE_IDLES (UINT64_C(1) << 63)

/* What core->attention is where there is no other reason than traced. */
enum { ATTENTION_TRACED = 1 };

struct core {
	struct co *current;   /* first: see arch_current */
	struct co *scheduler; /* see scheduler.c; also the boot stack */

	/* Owner only, and its interrupt handlers where marked *; what a switch touches comes first. */
	uint64_t now; /* when the clock was last read: at most a slice ago while others wait */
	/* Not 0: coroutines that stop switch to the scheduler, and what they make ready may have to go
	 * elsewhere. One byte for each reason. */
	union {
		uint64_t attention;
		uint16_t watched; /* the first two: a switch is more than one */
		struct {
			bool traced; /* a timeline is recorded, and no more: see debug/trace.h */
			bool every_switch;  /* each has to read the clock, or find variables */
			bool irq_pending;   /* * an interrupt has left something to do */
			uint8_t in_handler; /* * see enum above */
			bool elsewhere;     /* what runs next may not be in runnext and runq */
			bool turn_over;     /* no preemption: who stops lets others run */
			bool needs_pages;   /* page_reserve is low: no memory was left for it */
		};
	};
	bool in_fault;     /* * a stack grows */
	int index;         /* constant */
	uint64_t switches; /* a counter, see below */
	_Atomic(struct co *)
		running; /* here, the scheduler while it looks for work; NULL: sleeps; read by anyone */
	struct proc proc;
	void *called_from;         /* in core_call: its frame; NULL: not there */
	void *spare_frame;         /* * for the next preemption */
	uint64_t timer_armed;      /* what the timer is armed for */
	uint64_t timers_after;     /* timers that went off lately: the next do then, together */
	uint64_t next_id, last_id; /* of coroutines made here */
	uint32_t random;
	uint32_t given_back;    /* the last round that page_give_back has served; see page.c */
	uintptr_t page_reserve; /* * pages for stack faults, in: */
	void *reserve[PAGE_RESERVE];
	struct magazine pages;
	struct magazine stacks;
	struct magazine slabs[MAX_SLAB_CACHES];
	struct wheel wheel;

	/* Constant after boot. */
	uint64_t hw_id;             /* APIC id, MPIDR */
	uintptr_t boot_stack;       /* the upper end of its stack */
	void *arch;                 /* the port's */
	uintptr_t scheduler_locals; /* the thread pointer of scheduler, see locals.h */
	uintptr_t thread_pointer;   /* of what runs here, where a port keeps it in memory */

	/* Counters: written by the owner only, read by anyone. */
	uint64_t spawned, exited, preemptions, steals, wakeups, ipis;
	uint64_t handler_wakeups,
		handler_ipis; /* *: an interrupt could come between load and store */
	/* How long it has been idle; while it is: that minus the time since when, and CORE_IDLES. */
	uint64_t idle_time;
	int64_t heap_bytes, stack_bytes;
	_Atomic uint64_t idle_told; /* the most that anyone has been told of idle_time */
};

extern struct core *cores[MAX_CORES];
/* So many of them, the first; grows while the machine boots only. */
extern _Atomic int cores_started;

static inline int core_count(void)
{
	/* acquire: with the release in start_cores; those that it counts are in cores. */
	return atomic_load_explicit(&cores_started, memory_order_acquire);
}

/* Waits for something outside of the machine (the console), and interrupts to which the program has
 * attached handlers: they keep a machine alive in which all coroutines wait. */
extern _Atomic int external_waits, irqs_attached;

/* The core this runs on; only with nopreempt > 0, or in an interrupt. */
static inline struct core *core_here(void)
{
	return arch_current()->core;
}

/* The owner: the clock is read; what has passed since it was last is the time of self, which runs. */
static inline void core_charge(struct core *core, struct co *self)
{
	uint64_t now = arch_clock();

	self->cpu_ns += now - core->now;
	core->now = now;
}

/* Anyone: that core has to look at what is new for it. */
void core_interrupt(struct core *to);

/* The owner: the timer goes off at deadline, or sooner. */
void core_timer_by(struct core *core, uint64_t deadline);

/* The same in a moment, in ns, not sooner: on the core's own stack, or in a handler. */
enum { A_MOMENT = 10 * 1000 };
void core_timer_soon(struct core *core);

/* The scheduler: a frame for the next preemption is there, and pages for stack faults, if memory allows. */
void core_frames_init(void);
void core_refill(struct core *core);

/* What of those the core does not need at once is taken from where it leaves memory in one piece. nopreempt > 0. */
void core_renew(struct core *core);

/* The scheduler: frame is needed no more. */
void core_frame_give(struct core *core, void *frame);

/* The longest time slice, in ns; 0: no preemption. */
extern _Atomic uint64_t core_quantum;

/* The slice of one that has used up a slice before (whole); of another it is a fourth: what takes little time
 * is done before what takes much. */
static inline uint64_t core_slice(bool whole)
{
	uint64_t quantum = atomic_load_explicit(&core_quantum, memory_order_relaxed);

	if (!quantum)
		quantum = 10 * NSEC_PER_MSEC;
	if (!whole)
		quantum /= 4;
	return quantum > A_MOMENT ? quantum : A_MOMENT;
}

/* Calls fn(a, b) on the core's own stack, which its scheduler does not use while another runs:
 * for what is deep, so that the stacks of coroutines need no room for it. nopreempt > 0. */
void *core_call(void *(*fn)(void *a, void *b), void *a, void *b);

/* The same from anywhere, for an fn that ends the machine. */
_Noreturn void core_report(void *(*fn)(void *a, void *b), void *a, void *b);

#endif
