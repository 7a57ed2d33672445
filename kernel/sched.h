/*
 * Stopping, starting and switching coroutines. The rules:
 *
 * - A coroutine that stops first publishes that it waits (its node in a queue, its wait open), then
 *   switches away. It may be made ready, and picked, in between: so whoever resumes a coroutine
 *   waits until on_core says that its stack is free. Its successor on the old core clears on_core.
 * - That waiting is done by idle coroutines only, who hold nothing others could wait for.
 * - Preempted coroutines (those with a frame) are resumed by idle coroutines only.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "debug/paint.h"
#include "kernel/core.h"
#include "kernel/lock.h"

/* The calling coroutine stops; it has set its state and published its wait. nopreempt == 1. */
void sched_park(void);

/* Makes co runnable; the caller has won its wait. Next on this core, or last in its queue. From
 * coroutines, the scheduler, and interrupt handlers. nopreempt > 0. */
void sched_ready(struct co *co);
void sched_ready_last(struct co *co);

/* Makes a new coroutine runnable, next on this core. nopreempt > 0. */
void sched_start(struct co *co);
void sched_start_last(struct co *co);

/* As sched_ready(next) and sched_park, but straight: next runs on this core, in this slice. */
void sched_park_for(struct co *next);

/* The calling coroutine has ended: does not return. nopreempt == 1. */
void sched_end(void);

/* Moves the calling coroutine to where its flags allow it to run. */
void sched_move(void);

/* The owner: does what interrupts left to do; running: the coroutine that was interrupted or NULL.
 * True: its time slice is over. */
bool sched_service(struct core *core, struct co *running);

/* The owner: the timer goes off at deadline, or sooner. */
void sched_timer_by(struct core *core, uint64_t deadline);

/* The same, in a moment: an interrupt is to be served that could not be. */
void sched_timer_soon(struct core *core);

/* Interrupts masked, before arch_resume: sees to it that what is resumed gets on by a little before
 * its timer goes off, and that what came since sched_service is served then. */
void sched_resume_soon(struct core *core);

/* The owner: something waits in the queues here, so time slices are to be ended. */
void sched_slice_arm(struct core *core);

/* Anyone: its slice ends later than it would if there had been an idle core when it began. */
bool sched_slice_is_long(const struct core *core);

/* In ns; 0: no preemption. */
enum { QUANTUM_MIN = 10 * 1000 };
extern _Atomic uint64_t sched_quantum;

/* Coroutines that wait for something outside of the machine (the console), and interrupts to which
 * the program has attached handlers: they keep a machine alive in which all others wait. */
extern _Atomic int external_waits, irqs_attached;

/* Why every switch takes the long way; bits. From the first call of runtime_cpu_ns on it reads the
 * clock; before, processor time is counted by the ticks of time slices. */
enum { DETOUR_CHARGES = 1, DETOUR_LOCALS = 2 /* for thread-local variables */ };
extern _Atomic uint8_t sched_detour;

/* The owner: the clock is read; what has passed since it was last is the time of self, which runs. */
static inline void sched_charge(struct core *core, struct co *self)
{
	uint64_t now = arch_clock();

	self->cpu_ns += now - core->now;
	core->now = now;
}

/* The owner: next becomes the one that runs here. */
static inline void sched_begin(struct core *core, struct co *next)
{
	atomic_store_explicit(&next->on_core, CO_ON, memory_order_relaxed);
	relaxed_set(next->core, core);
	relaxed_set(next->state, CO_RUNNING);
	relaxed_add(core->switches, 1);
	atomic_store_explicit(&core->running, next, memory_order_relaxed);
}

/* After a switch, in self, the successor: the stack of prev is free now. Slowly: where prev may have
 * been preempted, or is deep, or something is to be done. */
void sched_finish_slowly(struct co *self, struct co *prev);

static inline void sched_finish(struct co *self, struct co *prev)
{
	struct core *core = self->core;

#ifdef PLANT_ON_CORE
	self->sp = NULL; /* where it stopped last: no use to anybody until it stops again */
#endif
	/* An interrupt that came before the switch told prev, or nobody where that was idle; those
	 * that come from here on tell self. */
	if (unlikely(*(volatile bool *)&core->irq_pending)) {
		sched_finish_slowly(self, prev);
		return;
	}
	paint_check(prev);
	if (relaxed_get(prev->state) == CO_ENDED)
		co_free(prev);
	else if (unlikely(prev->deep))
		sched_finish_slowly(self, prev);
	else
		/* release: with the acquire in switch_to and switch_slowly; the context
		 * is saved. */
		atomic_store_explicit(&prev->on_core, CO_OFF, memory_order_release);
}

#endif
