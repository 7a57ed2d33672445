/*
 * Preemption and time slices. Interrupt handlers take no lock and touch no queue; they leave word in
 * irq_pending and the inbox. At the end of an interrupt that found nopreempt == 0, the whole register
 * state goes into a frame and the core's scheduler takes over: it does what was left to do, then
 * resumes the same coroutine, or another where the slice is over.
 */
#include "kernel/lock.h"
#include "kernel/proc.h"

/* A woken coroutine waits this long for its waker's core before others may have it. */
enum { RUNNEXT_AGE = 100 * 1000 };

/* One that has used up its slice waits for so many slices of others, before it is one of them again. */
enum { EXPIRED_SLICES = 4 };

/* ---- Interrupts ---- */

void *irq_exit(void)
{
	struct co *co = arch_current();
	struct core *core = co->core;
	void *frame = core->spare_frame;

	if (!core->irq_pending || (co->flags & CO_KERNEL))
		return NULL;
	if (co->nopreempt) {
		co->need_resched = true;
		return NULL;
	}
	if (!frame) /* no memory for one: once more, soon */
		core_timer_soon(core);
	core->spare_frame = NULL;
	return frame;
}

_Noreturn void sched_preempted(void *frame)
{
	struct co *co = arch_current();

	shared_set(co->frame, frame);
	arch_leave_interrupt(co, co->core->scheduler);
}

void preempt_resume(struct core *core)
{
	if (core->proc.slice_armed && core->proc.slice_end < arch_clock() + A_MOMENT) {
		core_timer_soon(core);
		/* One that is pending already is taken here. */
		arch_interrupts_on();
		arch_relax(); /* an x86 takes none between these two alone */
		arch_interrupts_off();
	}
	if (core->irq_pending) /* it came while the scheduler was current: need_resched was not set */
		core_timer_soon(core);
}

/* ---- Time slices ---- */

/* The length of the slice that runs now. Where the timer was late, the host may not have run the machine: that
 * time is not the coroutine's, and its first slice is longer by it, up to a whole one. */
static uint64_t slice_now(const struct proc *proc, uint64_t now)
{
	uint64_t whole = core_slice(true), part;

	if (proc->slice_whole)
		return whole;
	part = core_slice(false);
	if (now > proc->slice_end + part / 8 && now > proc->slice_end + A_MOMENT)
		part += now - proc->slice_began;
	return part < whole ? part : whole;
}

/* When to look at the slice again: at its end, and sooner where an idle core could help. The timer is then to
 * go off. */
static void look_at_slice_by(struct core *core, uint64_t end)
{
	uint64_t now = core->now;

	if (end <= now)
		end = now + core_slice(true);
	if (end > now + RUNNEXT_AGE && proc_idle_cores())
		end = now + RUNNEXT_AGE;
	shared_set(core->proc.slice_armed, true);
	shared_set(core->proc.slice_end, end);
}

static void *slice_begin(void *arg, void *)
{
	struct core *core = arg;

	core_charge(core, arch_current()); /* what ran while nothing waited read no clock */
	preempt_slice_picked(core, core->proc.slice_whole && !core->proc.slice_new);
	look_at_slice_by(core, core->now + core_slice(true));
	core_timer_by(core, core->proc.slice_end);
	return NULL;
}

void preempt_slice_begin(struct core *core)
{
	core_call(slice_begin, core, NULL);
}

void preempt_unexpire(struct core *core)
{
	struct co *co = co_list_get(&core->proc.expired);

	core->proc.expired_at = arch_clock() + EXPIRED_SLICES * core_slice(true);
	if (co)
		proc_file(core, co, false);
}

bool preempt_slice_over(struct core *core, const struct co *running)
{
	struct proc *proc = &core->proc;
	bool preempts = atomic_load_explicit(&core_quantum, memory_order_relaxed), over;
	uint64_t now = core->now, length;

	if (!proc_waiting(core)) {
		shared_set(proc->slice_armed, false);
		return false;
	}
	if (!proc->slice_armed) {
		if (!running)
			return false; /* a slice begins when one has been picked */
		preempt_slice_begin(core);
	}
	if (proc->slice_new)
		preempt_slice_picked(core, false);
	length = slice_now(proc, now);
	over = preempts &&
	       (now >= proc->slice_began + length ||
		(running && !(running->flags & CO_URGENT) && proc_urgent_waiting(core)));
	/* Also where the quantum has become shorter, or another core idle. */
	if (over || now >= proc->slice_end || proc->slice_end > proc->slice_began + length ||
	    (proc->slice_end > now + RUNNEXT_AGE && proc_idle_cores())) {
		/* Without preemption, too, a pair that wakes each other keeps nobody out. */
		if (over || !preempts || proc_idle_cores())
			proc_file_next(core);
		shared_set(core->turn_over, !preempts);
		if (now >= proc->expired_at)
			preempt_unexpire(core);
		if (over) { /* the next pick begins a slice, now, as long as that one may run */
			struct co *next = runq_can_get(&proc->runq) ? *proc->runq.head
								    : proc->expired.first;

			proc->slice_began = now;
			length = core_slice(next && shared_get(next->frame));
		}
		look_at_slice_by(core, proc->slice_began + length);
	}
	return over;
}
