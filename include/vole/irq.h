/*
 * Interrupts, for drivers and firmware. irq is the interrupt controller's own number: the global
 * system interrupt on x86-64, the INTID on ARM64.
 */
#ifndef VOLE_IRQ_H
#define VOLE_IRQ_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct irq_work {
	struct irq_work *next;
	go_fn *fn;
	void *arg;
	VOLE_ATOMIC(uint32_t) queued;
};

/*
 * handler(arg) runs on the core's interrupt stack of 16 KB, not preemptible. 0, -EINVAL, -EBUSY, -ENOMEM. It may call event_post,
 * irq_defer, time_now and runtime_panic, and use registers of devices; any other call panics.
 */
int irq_attach(unsigned irq, void (*handler)(void *arg), void *arg);

/* 0 when no handler runs any more; -EINVAL: none was attached. */
int irq_detach(unsigned irq);

/*
 * From a handler: runs fn(arg) on this core, on a stack of 16 KB, before the next coroutine. Once, if queued already. fn may
 * use what a handler may, all try_ calls, sema_release, waitgroup_done, cond_signal, go, timer_start and
 * timer_stop; a call that could wait panics.
 */
void irq_defer(struct irq_work *work, go_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
