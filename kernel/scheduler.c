/*
 * The scheduler of a core: a coroutine of the kernel, to which others switch when what comes next is not
 * plain, and which takes over when one has been interrupted. It does what interrupts left to do,
 * picks the next coroutine, also from other cores, sleeps where there is none, and resumes what was
 * preempted or may not have left its stack yet.
 *
 * A core that has work while others are idle puts it where they can take it, its ring (proc_share); one
 * that runs out takes half of another's ring; one that finds nothing publishes that it is idle, looks once
 * more, interrupts those that keep work to themselves, and halts. No fence makes one of the two see the other
 * at once: where others are awake, a core that has gone idle looks again when all can be seen that they put
 * before they saw it idle. So a core that sees a searcher need wake nobody either.
 */
#include "debug/profile.h"
#include "debug/stuck.h"
#include "debug/trace.h"
#include "debug/world.h"
#include "kernel/locals.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/proc.h"  /* PLANT_DOUBLE_STEAL */
#include "kernel/sched.h" /* VOLE_PAINTED */

/* So long after it has gone idle, a core looks again where the work is. A store is visible after half of it. */
enum { LOOK_AGAIN = 100 * 1000 };

_Atomic uint64_t proc_idle_mask; /* cores that sleep and may be woken for work */

static _Atomic int searchers; /* cores that look for work, or have been woken to */

/* Does what interrupts left to do. running: the coroutine that they interrupted; NULL: it has
 * stopped. True: its time slice is over. */
static bool serve_interrupts(struct core *core, struct co *running)
{
	bool enabled = proc_enabled(core), over;
	uint64_t next;

	/* First: what interrupts leave from here on sets it again. */
	shared_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(shared_get(world_stopping))) {
		core_charge(core, running ? running : core->scheduler);
		world_wait();
	}
	proc_receive(core);
	core_refill(core);
	core_charge(core, running ? running : core->scheduler);
	next = wheel_serve(core);
	if (!enabled)
		proc_give_away(core);
	if (unlikely(proc_idle_cores()) && proc_waiting(core))
		proc_share(core);
	over = preempt_slice_over(core, running);
	if (core->proc.slice_armed && core->proc.slice_end < next)
		next = core->proc.slice_end;
	core_timer_by(core, next);
	return running && (over || (!enabled && !(running->flags & CO_PINNED)));
}

bool proc_notify(void)
{
	for (;;) {
		int none = 0;

		if (!proc_idle_cores())
			return false;
		if (!atomic_compare_exchange_strong_explicit(&searchers, &none, 1,
							     memory_order_relaxed,
							     memory_order_relaxed))
			return true;
		for (uint64_t mask; (mask = proc_idle_cores());) {
			uint64_t bit = mask & -mask;

			if (atomic_fetch_and_explicit(&proc_idle_mask, ~bit, memory_order_relaxed) &
			    bit) {
				core_interrupt(cores[__builtin_ctzl(bit)]);
				return true;
			}
		}
		/* Others took this for a searcher, and woke nobody: so it looks once more. */
		atomic_fetch_sub_explicit(&searchers, 1, memory_order_relaxed);
	}
}

/* One from another core's ring, and others with it into this core's queue; NULL: there is none. */
static struct co *steal(struct core *core)
{
	struct co *batch[STEAL_MAX];

	core->random = core->random * 1664525 + 1013904223;

	int count = core_count(), start = (int)((core->random >> 8) % (uint32_t)count);

	for (int i = 0; i < count; i++) {
		struct core *victim = cores[(start + i) % count];
		uint32_t n;

		if (victim == core ||
		    !(n = steal_ring_take(&victim->proc.ring, batch, STEAL_MAX, false)))
			continue;
		shared_add(core->steals, n);
		if (traced(core))
			trace_event(core, TRACE_STEAL, (uint64_t)victim->index, n);
		for (uint32_t j = 1; j < n; j++)
			proc_file(core, batch[j], false);
		core->proc.slice_new = true;
		return batch[0];
	}
	return NULL;
}

/* What the other cores have. True: one can take from a ring. Those that keep work to themselves are to
 * share it: some may not have any when they are asked. */
static bool look_at_others(const struct core *core, bool last)
{
	for (int i = 0, count = core_count(); i < count; i++) {
		struct core *other = cores[i];

		if (other == core)
			continue;
		if (steal_ring_len(&other->proc.ring))
			return true;
		if (runq_len(&other->proc.runq) + shared_get(other->proc.expired.count) ||
		    (last && shared_get(other->proc.slice_armed)))
			core_interrupt(other);
	}
	return false;
}

/* The interrupt that came left nothing for the scheduler to serve: the core may look for work again. What
 * serve_interrupts would serve is asked for here. */
static bool only_to_look(struct core *core)
{
	shared_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);

	uint64_t next = shared_get(core->wheel.next);

	if (next <= arch_clock() || atomic_load_explicit(&core->proc.inbox, memory_order_relaxed) ||
	    atomic_load_explicit(&core->proc.deferred, memory_order_relaxed) ||
	    page_give_back_wanted(core) || shared_get(world_stopping) || !proc_enabled(core)) {
		shared_set(core->irq_pending, true);
		return false;
	}
	core_timer_by(core, next);
	return true;
}

/* A bit for each. */
static uint64_t enabled_cores(void)
{
	return ~UINT64_C(0) >> (64 - atomic_load_explicit(&proc_count, memory_order_relaxed));
}

/* Sleeps until an interrupt. True: woken to search, and counted as a searcher already. */
static __attribute__((noinline)) bool sleep_here(struct core *core)
{
	bool enabled = proc_enabled(core);
	uint64_t bit = UINT64_C(1) << core->index, before = bit;
	uint64_t since = arch_clock(), look_at = since, idle_time = shared_get(core->idle_time);

	shared_set(core->proc.slice_armed, false);
	shared_set(core->idle_time, (idle_time - since) | CORE_IDLES);
	atomic_store_explicit(&core->running, NULL, memory_order_relaxed);
	/* Those that are not in the mask now may not see this core there for a while; the others see it when they
	 * leave the mask, since its changes have one order. */
	if (enabled &&
	    enabled_cores() & ~bit &
		    ~atomic_fetch_or_explicit(&proc_idle_mask, bit, memory_order_relaxed))
		look_at = arch_clock() + LOOK_AGAIN;
	if (traced(core))
		trace_event(core, TRACE_IDLE, 0, 0);
	stuck_enter_idle();
	/* Between the looks the bit stays set: what is put meanwhile is shared. */
	for (bool last = false; !last;) {
		last = arch_clock() >= look_at;
		if (core->irq_pending || proc_waiting(core) ||
		    (enabled && look_at_others(core, last)) || stuck_check())
			break;
		if (!last)
			core_timer_by(core, look_at);
		arch_interrupts_off();
		/* The mask has lost the bit: somebody wakes this core. */
		if (core->irq_pending || (enabled && !(proc_idle_cores() & bit)))
			arch_interrupts_on();
		else
			arch_halt();
		if (!(proc_idle_cores() & bit) || !only_to_look(core))
			break;
	}
	stuck_leave_idle();
	if (enabled)
		before = atomic_fetch_and_explicit(&proc_idle_mask, ~bit, memory_order_relaxed);
	shared_set(core->idle_time, idle_time + (arch_clock() - since));
	atomic_store_explicit(&core->running, core->scheduler, memory_order_relaxed);
	return !(before & bit);
}

/* What runs next here, however long it takes: what others could run, too, and the core sleeps meanwhile. */
static struct co *find(struct core *core)
{
	bool searching = false; /* this core is counted among those that search */

	for (;;) {
		if (core->irq_pending)
			serve_interrupts(core, NULL);
		/* Who has ended may have left some, which a stack fault cannot take back. */
		else if (unlikely(core->needs_pages) && (core->stacks.count || page_available()))
			core_refill(core);

		struct co *next = proc_pick_any(core);

		if (!next && proc_enabled(core)) {
			if (!searching)
				atomic_fetch_add_explicit(&searchers, 1, memory_order_relaxed);
			searching = true;
			next = steal(core);
		}
		/* The last searcher that found something wakes the next: where there was one coroutine,
		 * there may be more. A disabled core passes its waking on. */
		if (searching &&
		    atomic_fetch_sub_explicit(&searchers, 1, memory_order_relaxed) == 1 &&
		    (next || !proc_enabled(core)))
			proc_notify();
		if (next)
			return next;
		searching = sleep_here(core);
	}
}

/* Waits until the core that next leaves is off its stack. That takes a moment; it takes long where
 * that core is a thread that its host does not run now: then others go first, or this thread leaves
 * the host's processor to it. */
static bool stack_is_free(struct core *core, struct co *next)
{
#ifdef PLANT_ON_CORE
	return true;
#endif
	for (int i = 0; i < 100; i++) {
		uint8_t trimmable = CO_OFF_TRIMMABLE;

		/* acquire: with the release in sched_finish_slowly and trim_waiting. */
		if (atomic_compare_exchange_strong_explicit(&next->on_core, &trimmable, CO_ON,
							    memory_order_acquire,
							    memory_order_acquire) ||
		    trimmable != CO_ON)
			return true;
		arch_relax();
	}
	if (!proc_waiting(core)) {
		core_timer_soon(core);
		arch_interrupts_off();
		if (core->irq_pending)
			arch_interrupts_on();
		else
			arch_halt();
	}
	proc_file(core, next, false);
	return false;
}

/* Runs next until the core comes back to its scheduler; the coroutine that was left then. */
static struct co *run(struct core *core, struct co *next)
{
	struct co *self = core->scheduler, *prev;
	void *frame = next->frame;

	if (shared_get(core->watched)) {
		if (core->traced)
			trace_run(core, next);
		if (shared_get(core->every_switch)) {
			core_charge(core, self);
			profile_resumes(core, next);
		}
		if (locals_room)
			locals_enter(next);
	}
	sched_begin(core, next);
	if (frame) {
		arch_interrupts_off();
		preempt_resume(core);
		shared_set(next->frame, NULL);
		prev = arch_resume(self, next, frame);
		core_frame_give(core, frame);
	} else {
		prev = arch_switch(self, next);
	}
	if (locals_room)
		locals_enter(self);
	return prev;
}

_Noreturn void scheduler_run(struct core *core)
{
	struct co *self = core->scheduler, *next = NULL, *prev;

	if (locals_room)
		locals_enter(self);
	serve_interrupts(core, NULL); /* gets what interrupts and faults need */
	for (;;) {
		if (!next) {
			next = find(core);
			if (core->proc.slice_new || next->frame)
				preempt_slice_picked(core, next->frame);
		}
		if (!core->proc.slice_armed && proc_waiting(core))
			preempt_slice_begin(core);
		if (!stack_is_free(core, next)) {
			next = NULL;
			continue;
		}
		prev = run(core, next);
		next = NULL;
		if (prev->frame || shared_get(prev->state) == CO_RUNNING) {
			/* It was interrupted, or is in sched_resched. */
			if (serve_interrupts(core, prev)) {
				shared_add(core->preemptions, 1);
				shared_set(prev->state, CO_RUNNABLE);
				/* Who only made way for an urgent one has not used up its slice. */
				proc_file(core, prev, !proc_urgent_waiting(core));
			} else {
				next = prev;
			}
		} else {
			core_charge(core, prev);
			if (shared_get(prev->state) == CO_WAITING)
				shared_set(prev->wait_since, core->now);
			prev->need_resched = false; /* the scheduler looks at irq_pending itself */
		}
		/* prev may be freed or go elsewhere now; and the core does not sleep yet. */
		atomic_store_explicit(&core->running, self, memory_order_relaxed);
		sched_finish_slowly(prev);
	}
}
