#include "kernel/core.h"

#include "kernel/page.h"
#include "kernel/slab.h"
#include "kernel/stack.h"

struct core *cores[MAX_CORES];
_Atomic int cores_started, external_waits, irqs_attached;
_Atomic uint64_t core_quantum = 10 * NSEC_PER_MSEC;

/* Where core_call calls: the top of the core's own stack; NULL: here, which is not on the stack of a
 * coroutine, or at boot. */
static inline void *own_stack(const struct co *self)
{
	const struct core *core = self ? self->core : NULL;

	/* shared_get: that byte alone, for others write the one beside it. */
	if (!core || core->called_from || core->in_fault || shared_get(core->in_handler) ||
	    self == core->scheduler)
		return NULL;
	return (void *)((uintptr_t)core->scheduler->sp & ~(uintptr_t)15);
}

void *core_call(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();
	void *stack = own_stack(self), *result;

	if (!stack)
		return fn(a, b);
	self->core->called_from = __builtin_frame_address(0);
	result = arch_call_on(stack, fn, a, b);
	self->core->called_from = NULL;
	return result;
}

/* Not by core_call, whose frame the stacks of all coroutines would have to have room for. */
_Noreturn void core_report(void *(*fn)(void *a, void *b), void *a, void *b)
{
	struct co *self = arch_current();
	void *stack = own_stack(self);

	if (self)
		self->nopreempt++;
	if (!stack) {
		fn(a, b);
		__builtin_unreachable();
	}
	self->core->called_from = __builtin_frame_address(0);
	arch_call_on(stack, fn, a, b);
	__builtin_unreachable();
}

void core_interrupt(struct core *to)
{
	struct core *core = core_here();

	if (core->in_handler & HANDLER_IRQ)
		shared_add(core->handler_ipis, 1);
	else
		shared_add(core->ipis, 1);
	arch_send_reschedule(to);
}

/* ---- The timer, and what others ask for: they leave word ---- */

void irq_reschedule(void)
{
	shared_set(core_here()->irq_pending, true);
}

void irq_timer(void)
{
	struct core *core = core_here();

	core->timer_armed = TIME_NEVER;
	shared_set(core->irq_pending, true);
}

static void *arm_timer(void *core, void *)
{
	arch_timer_arm(((struct core *)core)->timer_armed);
	return NULL;
}

void core_timer_by(struct core *core, uint64_t deadline)
{
	/* An interrupt in between sets timer_armed to TIME_NEVER and calls the scheduler, which arms
	 * what is needed: nothing is lost. */
	if (deadline < core->timer_armed) {
		core->timer_armed = deadline;
		core_call(arm_timer, core, NULL);
	}
}

void core_timer_soon(struct core *core)
{
	core->timer_armed = arch_clock() + A_MOMENT;
	arch_timer_arm(core->timer_armed);
}

/* ---- What interrupts and faults need ---- */

static struct slab_cache frames;

void core_frames_init(void)
{
	slab_init(&frames, "frame", (machine.frame_size + 63) & ~(size_t)63, 0, false);
}

void core_refill(struct core *core)
{
	/* Interrupts that come meanwhile see nopreempt > 0 and leave it alone. */
	if (unlikely(!core->spare_frame))
		core->spare_frame = slab_alloc(&frames);
	stack_refill();
	core->needs_pages = core->page_reserve < PAGE_RESERVE_LOW;
	if (unlikely(page_give_back_wanted(core)))
		page_give_back();
}

void core_renew(struct core *core)
{
	stack_renew();
	runq_renew(&core->proc.runq);
	if (core->spare_frame)
		core->spare_frame = slab_lowest(&frames, core->spare_frame);
}

void core_frame_give(struct core *core, void *frame)
{
	void *spare = core->spare_frame;

	/* The lower one is kept, which is of the first slab more often than of one that is made when many are in use. */
	core->spare_frame = !spare || frame < spare ? frame : spare;
	if (spare)
		slab_free(&frames, core->spare_frame == frame ? spare : frame);
}
