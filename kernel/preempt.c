#include "kernel/preempt.h"

#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/slab.h"

static struct slab_cache frames;

enum { FRAMES_KEPT = 4 };

/* The links of a core's spare frames are in a header that the port does not see. */
struct frame_header {
	_Alignas(64) struct frame_header *next;
	unsigned count; /* of this one and those behind it */
};

void preempt_init(void)
{
	size_t size = sizeof(struct frame_header) + machine.frame_size;

	slab_init(&frames, "frame", (size + 63) & ~(size_t)63, 0, false);
}

static void push(struct core *core, struct frame_header *header)
{
	header->next = core->spare_frame;
	header->count = header->next ? header->next->count + 1 : 1;
	core->spare_frame = header;
}

void preempt_refill(struct core *core)
{
	/* Interrupts that come while the list changes see nopreempt > 0 and leave it alone. */
	if (!core->spare_frame) {
		struct frame_header *header = slab_alloc(&frames);

		if (header)
			push(core, header);
	}
	while (core->spare_frame &&
	       ((struct frame_header *)core->spare_frame)->count > FRAMES_KEPT) {
		struct frame_header *header = core->spare_frame;

		core->spare_frame = header->next;
		slab_free(&frames, header);
	}
}

void preempt_frame_done(struct core *core, void *frame)
{
	push(core, (struct frame_header *)frame - 1);
}

void irq_timer(void)
{
	struct core *core = core_here();

	core->timer_armed = TIME_NEVER;
	relaxed_set(core->irq_pending, true);
}

void irq_reschedule(void)
{
	relaxed_set(core_here()->irq_pending, true);
}

void *irq_exit(void)
{
	struct co *co = arch_current();
	struct core *core = co->core;

	if (!core->irq_pending || (co->flags & CO_KERNEL))
		return NULL;
	if (co->nopreempt) {
		co->need_resched = true;
		return NULL;
	}
	if (!core->spare_frame) { /* no memory for one: once more, soon */
		sched_timer_soon(core);
		return NULL;
	}

	struct frame_header *header = core->spare_frame;

	core->spare_frame = header->next;
	return header + 1;
}

_Noreturn void sched_preempted(void *frame)
{
	struct co *co = arch_current();

	relaxed_set(co->frame, frame);
	arch_leave_interrupt(co, co->core->idle);
}
