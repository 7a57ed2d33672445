#include "kernel/irq.h"
#include "debug/calls.h"

#include <errno.h>

#include "debug/order.h"
#include "debug/trace.h"
#include "kernel/heap.h"
#include "kernel/sched.h"

enum { IRQS = 1024 };

struct handler {
	void (*fn)(void *arg);
	void *arg;
	bool kernel; /* general registers only */
};

static _Atomic(struct handler *) handlers[IRQS];
static _Atomic uint16_t runs[IRQS]; /* cores that run the handler now */

static int attach(unsigned irq, void (*fn)(void *arg), void *arg, bool kernel)
{
	struct handler *handler, *none = NULL;
	int error;

	if (!fn || irq >= IRQS)
		return -EINVAL;
	handler = heap_alloc(sizeof(*handler));
	if (!handler)
		return -ENOMEM;
	*handler = (struct handler){.fn = fn, .arg = arg, .kernel = kernel};
	/* release: with the acquire in irq_device. */
	if (!atomic_compare_exchange_strong_explicit(&handlers[irq], &none, handler,
						     memory_order_release, memory_order_relaxed)) {
		heap_free(handler);
		return -EBUSY;
	}
	error = arch_irq_enable(irq, true);
	if (error) {
		atomic_store_explicit(&handlers[irq], NULL, memory_order_relaxed); /* nobody came */
		heap_free(handler);
	} else if (!kernel) {
		atomic_fetch_add_explicit(&irqs_attached, 1, memory_order_relaxed);
	}
	return error;
}

int irq_attach(unsigned irq, void (*fn)(void *arg), void *arg)
{
	call_outside_handler("irq_attach");
	order_to_handlers();
	return attach(irq, fn, arg, false);
}

int irq_attach_kernel(unsigned irq, void (*fn)(void *arg), void *arg)
{
	return attach(irq, fn, arg, true);
}

int irq_detach(unsigned irq)
{
	struct handler *handler;

	call_outside_handler("irq_detach");
	if (irq >= IRQS)
		return -EINVAL;
	/* acquire: with the release in attach. */
	handler = atomic_load_explicit(&handlers[irq], memory_order_acquire);
	if (!handler || handler->kernel)
		return -EINVAL;
	arch_irq_enable(irq, false);
	/* seq_cst: with the two in irq_device, which counts itself, then looks: it is seen here, or it
	 * finds no handler. */
	if (!atomic_compare_exchange_strong_explicit(&handlers[irq], &handler, NULL,
						     memory_order_seq_cst, memory_order_relaxed))
		return -EINVAL;
	while (atomic_load_explicit(&runs[irq], memory_order_seq_cst))
		arch_relax();
	atomic_fetch_sub_explicit(&irqs_attached, 1, memory_order_relaxed);
	order_in(handler);
	heap_free(handler);
	return 0;
}

/* Its calls of the public interface are to be seen: see calls.h. */
static void call_application(const struct handler *handler)
{
	struct co *co = arch_current();
	uint64_t holder = co->holder;

	co->holder = HOLDER_HANDLER;
	arch_call_handler(handler->fn, handler->arg);
	order_out(handler);
	co->holder = holder;
}

void irq_device(unsigned irq)
{
	struct core *core = core_here();
	struct handler *handler;

	if (irq >= IRQS)
		return;
	/* seq_cst: with the two in irq_detach; and the release in attach. */
	atomic_fetch_add_explicit(&runs[irq], 1, memory_order_seq_cst);
	handler = atomic_load_explicit(&handlers[irq], memory_order_seq_cst);
	if (handler) {
		if (traced(core))
			trace_event(core, TRACE_INTERRUPT, irq, 0);
		core->in_handler |= HANDLER_IRQ;
		if (handler->kernel)
			handler->fn(handler->arg);
		else
			call_application(handler);
		core->in_handler &= (uint8_t)~HANDLER_IRQ;
	}
	/* release: with the look at runs in irq_detach, which frees *handler. */
	atomic_fetch_sub_explicit(&runs[irq], 1, memory_order_release);
}

void irq_defer(struct irq_work *work, go_fn *fn, void *arg)
{
	struct core *core = core_here();
	_Atomic(struct irq_work *) *list = &core->proc.deferred;
	struct irq_work *first;

	/* acquire: with the release in irq_run_deferred, which has read *work. */
	if (atomic_exchange_explicit(&work->queued, 1, memory_order_acquire))
		return;
	order_out(work);
	work->fn = fn;
	work->arg = arg;
	first = atomic_load_explicit(list, memory_order_relaxed);
	do /* the list is this core's alone: only another handler may come between */
		work->next = first;
	while (!atomic_compare_exchange_weak_explicit(list, &first, work, memory_order_relaxed,
						      memory_order_relaxed));
	shared_set(core->irq_pending, true);
}

void irq_run_deferred(struct core *core)
{
	_Atomic(struct irq_work *) *list = &core->proc.deferred;
	struct irq_work *work, *in_order = NULL;

	if (!atomic_load_explicit(list, memory_order_relaxed))
		return;
	work = atomic_exchange_explicit(list, NULL, memory_order_relaxed);
	while (work) {
		struct irq_work *next = work->next;

		work->next = in_order;
		in_order = work;
		work = next;
	}
	core->in_handler |= HANDLER_DEFERRED;
	while ((work = in_order)) {
		go_fn *fn = work->fn;
		void *arg = work->arg;

		in_order = work->next;
		order_in(work);
		/* release: with the acquire in irq_defer: from here on it may be queued again. */
		atomic_store_explicit(&work->queued, 0, memory_order_release);
		fn(arg);
	}
	core->in_handler &= (uint8_t)~HANDLER_DEFERRED;
}
