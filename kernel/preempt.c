#include "kernel/preempt.h"

#include "kernel/lock.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "kernel/slab.h"

/* A woken coroutine waits this long for its waker's core before others may have it. */
enum { RUNNEXT_AGE = 100 * 1000 };

/* One that has used up its slice waits for so many slices of others, before it is one of them again. */
enum { EXPIRED_SLICES = 4 };

/* The slice of one that has used up none is a fourth: what takes little time is done before what takes much. */
enum { FIRST_SLICE = 4 };

/* Slices are looked at this often, so that no sum of times overflows. */
#define QUANTUM_MAX (3600 * NSEC_PER_SEC)

_Atomic uint64_t preempt_quantum = 10 * NSEC_PER_MSEC;

static struct slab_cache frames;

void preempt_init(void)
{
	slab_init(&frames, "frame", (machine.frame_size + 63) & ~(size_t)63, 0, false);
}

void preempt_refill(struct core *core)
{
	void *used = core->used_frame;

	/* Interrupts that come meanwhile see nopreempt > 0 and leave both alone. */
	core->used_frame = NULL;
	if (!core->spare_frame)
		core->spare_frame = used ? used : slab_alloc(&frames);
	else if (used)
		slab_free(&frames, used);
}

/* ---- Interrupts ---- */

void irq_timer(void)
{
	struct core *core = core_here();

	core->timer_armed = TIME_NEVER;
	shared_set(core->irq_pending, true);
}

void irq_reschedule(void)
{
	shared_set(core_here()->irq_pending, true);
}

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
		preempt_soon(core);
	core->spare_frame = NULL;
	return frame;
}

_Noreturn void sched_preempted(void *frame)
{
	struct co *co = arch_current();

	shared_set(co->frame, frame);
	arch_leave_interrupt(co, co->core->scheduler);
}

void preempt_resume(struct core *core, void *frame)
{
	struct proc *proc = &core->proc;

	if (proc->slice_armed && proc->slice_end < arch_clock() + QUANTUM_MIN) {
		preempt_soon(core);
		/* One that is pending already is taken here. */
		arch_interrupts_on();
		arch_relax(); /* an x86 takes none between these two alone */
		arch_interrupts_off();
	}
	if (core->irq_pending) /* it came while the scheduler was current: need_resched was not set */
		preempt_soon(core);
	if (core->spare_frame)
		core->used_frame = frame;
	else
		core->spare_frame = frame;
}

/* ---- The timer ---- */

static void *arm_timer(void *arg, void *)
{
	struct core *core = arg;

	arch_timer_arm(core->timer_armed);
	return NULL;
}

void preempt_timer_by(struct core *core, uint64_t deadline)
{
	/* An interrupt in between sets timer_armed to TIME_NEVER and calls the scheduler, which arms
	 * what is needed: nothing is lost. */
	if (deadline < core->timer_armed) {
		core->timer_armed = deadline;
		core_call(arm_timer, core, NULL);
	}
}

void preempt_soon(struct core *core)
{
	core->timer_armed = arch_clock() + QUANTUM_MIN;
	arch_timer_arm(core->timer_armed);
}

/* ---- Time slices ---- */

static uint64_t slice_length(void)
{
	uint64_t quantum = atomic_load_explicit(&preempt_quantum, memory_order_relaxed);

	if (quantum > QUANTUM_MAX)
		return QUANTUM_MAX;
	return quantum ? quantum : 10 * NSEC_PER_MSEC;
}

static uint64_t first_slice(void)
{
	uint64_t part = slice_length() / FIRST_SLICE;

	return part > QUANTUM_MIN ? part : QUANTUM_MIN;
}

/* The length of the slice that runs now. Where the timer was late, the host may not have run the machine: that
 * time is not the coroutine's, and its first slice is longer by it, up to a whole one. */
static uint64_t slice_now(const struct proc *proc, uint64_t now)
{
	uint64_t whole = slice_length(), part, late;

	if (proc->full_tick == proc->ticks)
		return whole;
	part = first_slice();
	late = part / 8 > QUANTUM_MIN ? part / 8 : QUANTUM_MIN;
	if (now > proc->slice_end + late)
		part += now - proc->slice_began;
	return part < whole ? part : whole;
}

/* When to look at the slice again: at its end, and sooner where an idle core could help. */
static void look_at_slice_by(struct core *core, uint64_t now, uint64_t end)
{
	if (end <= now)
		end = now + slice_length();
	if (end > now + RUNNEXT_AGE && proc_idle_cores())
		end = now + RUNNEXT_AGE;
	shared_set(core->proc.slice_armed, true);
	shared_set(core->proc.slice_end, end);
	preempt_timer_by(core, end);
}

bool preempt_slice_is_long(const struct core *core)
{
	return shared_get(core->proc.slice_armed) &&
	       shared_get(core->proc.slice_end) > arch_clock() + RUNNEXT_AGE;
}

void preempt_unexpire(struct core *core)
{
	core->proc.expired_at = arch_clock() + EXPIRED_SLICES * slice_length();
	proc_unexpire(core);
}

static void *slice_begin(void *arg, void *)
{
	struct core *core = arg;

	sched_charge(core, arch_current()); /* what ran while nothing waited read no clock */
	core->proc.tick_seen = core->proc.ticks;
	core->proc.slice_began = core->now;
	look_at_slice_by(core, core->now, core->now + slice_length());
	return NULL;
}

void preempt_slice_begin(struct core *core)
{
	core_call(slice_begin, core, NULL);
}

bool preempt_slice_over(struct core *core, struct co *running, uint64_t now)
{
	struct proc *proc = &core->proc;
	uint64_t quantum = atomic_load_explicit(&preempt_quantum, memory_order_relaxed);
	uint64_t slice;
	bool over;

	if (!proc_waiting(core)) {
		shared_set(proc->slice_armed, false);
		return false;
	}
	if (!proc->slice_armed) {
		if (!running)
			return false; /* a slice begins when one has been picked */
		preempt_slice_begin(core);
	}
	if (proc->tick_seen != proc->ticks) { /* it began after the last look */
		proc->tick_seen = proc->ticks;
		proc->slice_began = now;
	}
	slice = slice_now(proc, now);
	over = quantum && (now >= proc->slice_began + slice ||
			   (running && !(running->flags & CO_URGENT) && proc_urgent_waiting(core)));
	if (over) {
		/* The next pick begins a slice, now. */
		proc->tick_seen = proc->ticks + 1;
		proc->slice_began = now;
	}
	/* Also where the quantum has become shorter, or another core idle. */
	if (now >= proc->slice_end || over ||
	    (proc->slice_end > now + RUNNEXT_AGE && proc_idle_cores()) ||
	    proc->slice_end > proc->slice_began + slice) {
		struct co *co = proc->runnext;

		/* Without preemption, too, a pair that wakes each other keeps nobody out. */
		if (co && (over || !quantum || proc_idle_cores())) {
			shared_set(proc->runnext, NULL);
			proc_file(core, co);
		}
		shared_set(core->turn_over, !quantum);
		if (now >= proc->expired_at)
			preempt_unexpire(core);
		if (over) { /* as long as the next may run */
			co = runq_can_get(&proc->runq) ? *proc->runq.head : proc->expired.first;
			slice = co && shared_get(co->frame) ? slice_length() : first_slice();
		}
		look_at_slice_by(core, now, proc->slice_began + slice);
	}
	return over;
}
