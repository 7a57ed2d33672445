/*
 * The scheduler of a core: a coroutine of the kernel, to which others switch when what comes next is not
 * plain, and which takes over when one has been interrupted. It does what interrupts left to do,
 * picks the next coroutine, also from other cores, sleeps where there is none, and resumes what was
 * preempted or may not have left its stack yet.
 */
#include "debug/profile.h"
#include "debug/world.h"
#include "kernel/locals.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/preempt.h"
#include "kernel/proc.h"
#include "kernel/sched.h" /* VOLE_PAINTED */
#include "kernel/stack.h"

/* Timers that go off sooner after others are late by as much. */
enum { TIMER_GAP = 20 * 1000 };

/* Does what interrupts left to do. running: the coroutine that they interrupted; NULL: it has
 * stopped. True: its time slice is over. */
static bool service(struct core *core, struct co *running)
{
	bool enabled = proc_enabled(core);
	uint64_t now, next;

	/* First: what interrupts leave from here on sets it again. */
	shared_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(shared_get(world_stopping)))
		world_wait();
	proc_receive(core);
	preempt_refill(core);
	stack_refill();
	if (unlikely(page_give_back_wanted(core)))
		page_give_back();

	sched_charge(core, running ? running : core->scheduler);
	now = core->now;
	next = atomic_load_explicit(&core->wheel.next, memory_order_relaxed);
	if (next <= now) {
		core->elsewhere = true; /* so what timers make ready is filed */
		next = wheel_advance(&core->wheel, now);
		core->timers_after = now + TIMER_GAP;
		trace_always(core, TRACE_TIMER, 0, 0);
	}
	if (next > now && next < core->timers_after)
		next = core->timers_after;
	if (!enabled)
		proc_give_away(core);
	if (unlikely(proc_idle_cores()) && proc_waiting(core))
		proc_share(core);

	bool over = preempt_slice_over(core, running, now);

	if (core->proc.slice_armed && core->proc.slice_end < next)
		next = core->proc.slice_end;
	preempt_timer_by(core, next);
	return running && (over || (!enabled && !(running->flags & CO_PINNED)));
}

/* The next coroutine for this core, however long it takes. */
static struct co *find(struct core *core)
{
	bool searching = false;

	for (;;) {
		if (core->irq_pending)
			service(core, NULL);

		struct co *next = proc_pick_any(core);

		if (!next && proc_enabled(core))
			next = proc_search(core, &searching);
		if (searching)
			proc_search_ends(core, next);
		if (next)
			return next;
		searching = proc_sleep(core);
	}
}

/* Waits until the core that next leaves is off its stack. That takes a moment; it takes long where
 * that core is a thread that its host does not run now: then others go first, or this thread leaves
 * the host's processor to it. */
static bool stack_is_free(struct core *core, struct co *next)
{
	enum { A_MOMENT = 100 };
	bool others;

#ifdef PLANT_ON_CORE
	return true;
#endif
	for (int i = 0; i < A_MOMENT; i++) {
		uint8_t trimmable = CO_OFF_TRIMMABLE;

		/* acquire: with the release in sched_finish_slowly and trim_waiting. */
		if (atomic_compare_exchange_strong_explicit(&next->on_core, &trimmable, CO_ON,
							    memory_order_acquire,
							    memory_order_acquire) ||
		    trimmable != CO_ON)
			return true;
		arch_relax();
	}
	others = proc_waiting(core);
	proc_file(core, next);
	if (!others) {
		preempt_soon(core);
		arch_interrupts_off();
		if (core->irq_pending)
			arch_interrupts_on();
		else
			arch_halt();
	}
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
			sched_charge(core, self);
			profile_resumes(core, next);
		}
		if (locals_room)
			locals_enter(next);
	}
	sched_begin(core, next);
	if (frame) {
		if (core->used_frame)
			preempt_refill(core);
		arch_interrupts_off();
		preempt_resume(core, frame);
		shared_set(next->frame, NULL);
		prev = arch_resume(self, next, frame);
	} else {
		prev = arch_switch(self, next);
	}
	if (locals_room)
		locals_enter(self);
	sched_charge(core, prev);
	return prev;
}

_Noreturn void scheduler_run(struct core *core)
{
	struct co *self = core->scheduler, *next = NULL, *prev;

	if (locals_room) {
		locals_enter(self);
		shared_set(core->every_switch, true);
	}
	service(core, NULL); /* gets what interrupts and faults need */
	for (;;) {
		if (!next) {
			next = find(core);
			if (next->frame) { /* its slice is a whole one, and begins now */
				core->proc.full_tick = core->proc.tick_seen = core->proc.ticks;
				core->proc.slice_began = core->now;
			}
		}
		if (!core->proc.slice_armed && proc_waiting(core))
			preempt_slice_begin(core);
		if (!stack_is_free(core, next)) {
			next = NULL;
			continue;
		}
		prev = run(core, next);
		next = NULL;
		if (!prev->frame && shared_get(prev->state) != CO_RUNNING) {
			if (shared_get(prev->state) == CO_WAITING)
				shared_set(prev->wait_since, core->now);
			prev->need_resched = false; /* the scheduler looks at irq_pending itself */
			/* sched_finish may free prev; and the core does not sleep yet. */
			atomic_store_explicit(&core->running, self, memory_order_relaxed);
			sched_finish(self, prev);
			continue;
		}
		/* prev was interrupted, or is in sched_resched. */
		if (service(core, prev)) {
			shared_add(core->preemptions, 1);
			shared_set(prev->state, CO_RUNNABLE);
			proc_file_expired(core, prev);
			atomic_store_explicit(&core->running, self, memory_order_relaxed);
		} else {
			next = prev;
		}
		sched_finish_slowly(self, prev);
	}
}
