/*
 * Stopping, starting and switching coroutines.
 *
 * Each core has a *scheduler*: a coroutine of the kernel that does what is more than to switch to the
 * next coroutine in line (scheduler.c). Coroutines themselves do what is plain:
 *
 * - To make another ready they let it run next on this core, or put it into the run queue. One that
 *   is urgent, or that belongs to another core, goes to the inbox of its core, and so does what an
 *   interrupt handler makes ready: the scheduler there files it.
 * - To stop they switch to the next in line; to the scheduler where core->attention is not 0, where
 *   nothing is in line, or where the next one cannot simply be switched to.
 *
 * A coroutine that stops first publishes that it waits (its node is in a queue, its wait is open),
 * then switches away. It may be made ready, and picked, in between. So whoever resumes a coroutine
 * first makes sure that on_core says its stack is free; the coroutine that follows it on its old core
 * clears on_core. Only schedulers wait for that, since they hold nothing that others could wait for.
 * And only schedulers resume what was preempted.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "debug/paint.h"
#include "debug/trace.h"
#include "kernel/core.h"
#include "kernel/lock.h"

/* The calling coroutine stops; it has set its state and published its wait. nopreempt == 1. */
void sched_park(void);

/* The calling coroutine has ended: does not return. nopreempt == 1. */
void sched_end(void);

/* Makes co runnable, which is new, or whose wait the caller has won: next on this core, or last in its
 * queue. From coroutines, the scheduler, and interrupt handlers. nopreempt > 0. */
void sched_ready(struct co *co);
void sched_ready_last(struct co *co);

/* As sched_ready(next) and sched_park, but straight: next runs on this core, in this slice. */
void sched_park_for(struct co *next);

/* Moves the calling coroutine to where its flags allow it to run. */
void sched_move(void);

/* The owner: next becomes the one that runs here. */
static inline void sched_begin(struct core *core, struct co *next)
{
	trace_switch_always(core, next);
	atomic_store_explicit(&next->on_core, CO_ON, memory_order_relaxed);
	shared_set(next->core, core);
	shared_set(next->state, CO_RUNNING);
	shared_add(core->switches, 1);
	atomic_store_explicit(&core->running, next, memory_order_relaxed);
}

/* The stack of prev, which was current, is free now. Slowly: where prev may have been preempted, or is
 * trimmable. */
void sched_finish_slowly(struct co *prev);

/* After a switch, in self, the successor. */
static inline void sched_finish(struct co *self, struct co *prev)
{
#ifdef PLANT_ON_CORE
	self->sp = NULL; /* where it stopped last: no use to anybody until it stops again */
#endif
	/* An interrupt before the switch set need_resched of prev, or none where that was the scheduler. self has to
	 * be told as well; later interrupts tell self. */
	if (unlikely(*(volatile bool *)&self->core->irq_pending))
		self->need_resched = true;
	paint_check(prev);
	if (shared_get(prev->state) == CO_ENDED)
		co_free(prev);
	else if (unlikely(prev->trimmable))
		sched_finish_slowly(prev);
	else
		/* release: with the acquire in switch_to and stack_is_free; the context is saved. */
		atomic_store_explicit(&prev->on_core, CO_OFF, memory_order_release);
}

#endif
