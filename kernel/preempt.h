/*
 * Preemption, time slices and the timer of a core. Interrupt handlers take no lock and touch no queue;
 * they leave word in irq_pending and the inbox. At the end of an interrupt that found
 * nopreempt == 0, the whole register state goes into a frame and the core's scheduler takes over: it
 * does what was left to do, then resumes the same coroutine, or another where the slice is over.
 */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include "kernel/core.h"

/* In ns; 0: no preemption. */
enum { QUANTUM_MIN = 10 * 1000 };
extern _Atomic uint64_t preempt_quantum;

void preempt_init(void);

/* All that follow: by code that runs on this core with nopreempt > 0. */

/* A frame for the next preemption is there, if memory allows, and one that is not needed is given back. */
void preempt_refill(struct core *core);

/* Interrupts masked, no used_frame, right before arch_resume: the frame is needed no more. What is
 * resumed runs for a while before its slice ends, and interrupts that came since the scheduler last
 * looked are served by another, soon. */
void preempt_resume(struct core *core, void *frame);

/* The timer goes off at deadline, or sooner. */
void preempt_timer_by(struct core *core, uint64_t deadline);

/* On the core's own stack or in a handler: the timer goes off in a moment, since an interrupt could
 * not be served. */
void preempt_soon(struct core *core);

/* Where something begins to wait in the queues here: a time slice begins. */
void preempt_slice_begin(struct core *core);

/* One of those that have used up a slice is as good as the others again; the next comes after some slices. */
void preempt_unexpire(struct core *core);

/* The scheduler looks at the slice of running; NULL: of one that has stopped. True: it is over, and
 * others wait. */
bool preempt_slice_over(struct core *core, struct co *running, uint64_t now);

/* Anyone: its slice ends later than it would if there had been an idle core when it began. */
bool preempt_slice_is_long(const struct core *core);

#endif
