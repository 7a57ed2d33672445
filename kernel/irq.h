/* Device interrupts: the handlers, and what they put off. */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <vole/irq.h>

struct core;

/* As irq_attach, for the kernel's own drivers: they do not touch floating-point registers. */
int irq_attach_kernel(unsigned irq, void (*handler)(void *arg), void *arg);

/* The owner: runs what irq_defer left. */
void irq_run_deferred(struct core *core);

#endif
