/*
 * Cores without work. A core that has work while others are idle puts it where they can take it, its
 * ring (proc_share); one that runs out takes half of another's ring; one that finds nothing publishes
 * that it is idle, looks once more, interrupts those that keep work to themselves, and halts. Both sides
 * store, fence, and load, so one of them sees the other (sleep, proc_notify). Whoever keeps work
 * without the fence is seen by the second look of the idle core, a moment later.
 */
#include "debug/stuck.h"
#include "kernel/locals.h"
#include "kernel/lock.h"
#include "kernel/preempt.h"
#include "kernel/proc.h"
#include "kernel/sched.h"

/* After it has gone idle, a core looks again where the work is. */
enum { LOOK_AGAIN = 100 * 1000 };

_Atomic uint64_t proc_idle_mask; /* cores that sleep and may be woken for work */

static _Atomic int searchers; /* cores that look for work, or have been woken to */

void proc_interrupt(struct core *to)
{
	struct core *core = core_here();

	if (core->in_handler & HANDLER_IRQ)
		relaxed_add(core->handler_ipis, 1);
	else
		relaxed_add(core->ipis, 1);
	arch_send_reschedule(to);
}

void proc_notify(void)
{
	/* seq_cst: with the fence in sleep: either it sees the work, or this sees it idle. */
	atomic_thread_fence(memory_order_seq_cst);
	while (atomic_load(&proc_idle_mask)) {
		int none = 0;

		if (!atomic_compare_exchange_strong(&searchers, &none, 1))
			return;
		for (uint64_t mask; (mask = atomic_load(&proc_idle_mask));) {
			uint64_t bit = mask & -mask;

			if (atomic_fetch_and(&proc_idle_mask, ~bit) & bit) {
				proc_interrupt(cores[__builtin_ctzl(bit)]);
				return;
			}
		}
		/* Others took this for a searcher, and woke nobody: so it looks once more. */
		atomic_fetch_sub(&searchers, 1);
	}
}

/* Half of another core's ring; one of it to run. */
static struct co *steal(struct core *core)
{
	struct co *batch[STEAL_MAX];

	core->random = core->random * 1664525 + 1013904223;

	int start = (int)((core->random >> 8) % (uint32_t)core_count);

	for (int i = 0; i < core_count; i++) {
		struct core *victim = cores[(start + i) % core_count];
		uint32_t n;

		if (victim == core ||
		    !(n = steal_ring_take(&victim->proc.ring, batch, STEAL_MAX, false)))
			continue;
		relaxed_add(core->steals, n);
		for (uint32_t j = 1; j < n; j++)
			proc_put_quietly(core, batch[j]);
		core->proc.ticks++;
		return batch[0];
	}
	return NULL;
}

static bool work_somewhere(struct core *core)
{
	if (core->irq_pending || proc_waiting(core))
		return true;
	if (core->index >= atomic_load_explicit(&proc_count, memory_order_relaxed))
		return false;
	for (int i = 0; i < core_count; i++)
		if (steal_ring_len(&cores[i]->proc.ring))
			return true;
	return false;
}

/* All cores that keep work to themselves are to share it: some may not have any when they are asked.
 * False: all others are idle. */
static bool ask_for_work(const struct core *core, bool again)
{
	bool busy = false;

	for (int i = 0; i < core_count; i++) {
		struct core *other = cores[i];

		if (other == core)
			continue;
		if (runq_len(&other->proc.runq) + relaxed_get(other->proc.expired.count) ||
		    (again && sched_slice_is_long(other))) {
			proc_interrupt(other);
			busy = true;
		}
		busy |= atomic_load_explicit(&other->running, memory_order_relaxed) != NULL;
	}
	return busy;
}

/* Woken for nothing but that. */
static bool only_to_look(struct core *core)
{
	relaxed_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);

	uint64_t next = atomic_load_explicit(&core->wheel.next, memory_order_relaxed);

	if (next <= arch_clock() || atomic_load(&core->proc.inbox) ||
	    atomic_load(&core->proc.deferred))
		return false;
	sched_timer_by(core, next);
	return true;
}

/* Sleeps until an interrupt. True: woken to search, and counted as a searcher already. */
static bool sleep(struct core *core)
{
	bool enabled = core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);
	uint64_t bit = UINT64_C(1) << core->index, before = bit;

	uint64_t since = arch_clock();

	core_idle(core, true, since);
	atomic_store_explicit(&core->running, NULL, memory_order_relaxed);
	if (enabled)
		atomic_fetch_or(&proc_idle_mask, bit);
	stuck_enter_idle();
	/* seq_cst: with the fence in proc_notify. */
	atomic_thread_fence(memory_order_seq_cst);
	/* The second time, all that was put before the bit was set is visible. Until then the bit stays
	 * set: what is put meanwhile is shared. */
	for (bool again = false; !work_somewhere(core) && !stuck_check(); again = true) {
		if (enabled && ask_for_work(core, again) && !again)
			sched_timer_by(core, since + LOOK_AGAIN);
		arch_interrupts_off();
		/* The mask has lost the bit: somebody wakes this core. */
		if (core->irq_pending || (enabled && !(atomic_load(&proc_idle_mask) & bit)))
			arch_interrupts_on();
		else
			arch_halt();
		if (again || !enabled || !(atomic_load(&proc_idle_mask) & bit) ||
		    !only_to_look(core))
			break;
	}
	stuck_leave_idle();
	if (enabled)
		before = atomic_fetch_and(&proc_idle_mask, ~bit);
	core_idle(core, false, arch_clock());
	return !(before & bit);
}

/* The next coroutine for this core, however long it takes. */
static struct co *find(struct core *core)
{
	bool searching = false;

	for (;;) {
		sched_service(core, NULL);

		struct co *next = proc_pick(core);

		if (!next &&
		    core->index < atomic_load_explicit(&proc_count, memory_order_relaxed)) {
			if (!searching)
				atomic_fetch_add(&searchers, 1);
			searching = true;
			next = steal(core);
		}
		/* The last searcher that found something wakes the next: where there was one
		 * coroutine, there may be more. A disabled core passes its waking on. */
		if (searching && atomic_fetch_sub(&searchers, 1) == 1 &&
		    (next || core->index >= atomic_load(&proc_count)))
			proc_notify();
		if (next)
			return next;
		searching = sleep(core);
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
		uint8_t deep = CO_OFF_DEEP;

		/* acquire: with the release in sched_finish_slowly and trim_waiting. */
		if (atomic_compare_exchange_strong_explicit(&next->on_core, &deep, CO_ON,
							    memory_order_acquire,
							    memory_order_acquire) ||
		    deep != CO_ON)
			return true;
		arch_relax();
	}
	others = proc_waiting(core);
	proc_put_quietly(core, next);
	if (!others) {
		sched_timer_soon(core);
		arch_interrupts_off();
		if (core->irq_pending)
			arch_interrupts_on();
		else
			arch_halt();
	}
	return false;
}

_Noreturn void proc_idle(struct core *core)
{
	struct co *idle = core->idle, *prev;

	if (locals_room)
		locals_enter(idle);
	for (;;) {
		struct co *next = core->resume;

		relaxed_set(core->resume, NULL);
		if (!next)
			next = find(core);
		if (!core->proc.slice_armed && proc_waiting(core))
			sched_slice_arm(core);
		if (!stack_is_free(core, next))
			continue;
		/* What this core has done since it looked at the clock is not the time of next. */
		if (atomic_load_explicit(&sched_detour, memory_order_relaxed) & DETOUR_CHARGES)
			sched_charge(core, idle);
		sched_begin(core, next);
		if (locals_room)
			locals_enter(next);

		void *frame = next->frame;

		if (frame) {
			arch_interrupts_off();
			sched_resume_soon(core);
			relaxed_set(next->frame, NULL);
			preempt_frame_done(core, frame);
			prev = arch_resume(idle, next, frame);
		} else {
			prev = arch_switch(idle, next);
		}
		if (locals_room)
			locals_enter(idle);
		sched_charge(core, prev);
		if (!prev->frame && relaxed_get(prev->state) != CO_RUNNING) {
			if (relaxed_get(prev->state) == CO_WAITING)
				relaxed_set(prev->wait_since, core->now);
			/* prev may be freed now; but this core is not known as idle yet. */
			atomic_store_explicit(&core->running, idle, memory_order_relaxed);
			sched_finish(idle, prev);
			continue;
		}
		/* prev was interrupted (see also sched_resched): it goes on, or to the back of the
		 * queue. */
		if (sched_service(core, prev)) {
			relaxed_add(core->preemptions, 1);
			relaxed_set(prev->state, CO_RUNNABLE);
			proc_put_expired(core, prev);
			relaxed_set(core->resume,
				    proc_pick(core)); /* in the slice that has begun */
		} else {
			relaxed_set(core->resume, prev);
		}
		sched_finish_slowly(idle, prev);
	}
}
