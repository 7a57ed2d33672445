/*
 * Preemption: what interrupts do to the coroutine they interrupt. Handlers take no lock and touch no
 * queue; they leave word in irq_pending and the inbox. At the end of an interrupt that found
 * nopreempt == 0, the whole register state goes into a frame and the idle coroutine takes over,
 * which does what was left to do and then resumes the same coroutine, or another.
 */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include "kernel/core.h"

void preempt_init(void);

/* The owner: a frame for the next preemption is there, if memory allows. */
void preempt_refill(struct core *core);

/* Interrupts masked, right before arch_resume: the frame may be used for the next preemption. */
void preempt_frame_done(struct core *core, void *frame);

#endif
