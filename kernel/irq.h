/* Device interrupts: the handlers, and what they put off. */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <vole/irq.h>

#include "kernel/core.h"
#include "kernel/lock.h"

/* As irq_attach, for the kernel's own drivers: they do not touch floating-point registers. */
int irq_attach_kernel(unsigned irq, void (*handler)(void *arg), void *arg);

/* The owner: runs what irq_defer left. */
void irq_run_deferred(struct core *core);

/* As preempt_enable, where this may be an interrupt handler, too: irq_exit does what is to be done then. */
static inline void preempt_enable_anywhere(struct co *self)
{
	if (self->core->in_handler & HANDLER_IRQ)
		self->nopreempt--;
	else
		preempt_enable();
}

#endif
