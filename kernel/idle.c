/*
 * Cores without work. A core that has work while others are idle puts it where they can take it, its
 * ring (proc_share); one that runs out takes half of another's ring; one that finds nothing publishes
 * that it is idle, looks once more, interrupts those that keep work to themselves, and halts. Both sides
 * store, fence, and load, so one of them sees the other (proc_sleep, proc_notify). A searcher that
 * finds nothing passes the same fence before it sleeps, so a core that sees a searcher need wake nobody. A core
 * that put work without the fence is found by the idle core's second look, a moment later.
 */
#include "debug/stuck.h"
#include "debug/world.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/preempt.h"
#include "kernel/proc.h" /* PLANT_DOUBLE_STEAL */
#include "kernel/sched.h"

/* After it has gone idle, a core looks again where the work is. */
enum { LOOK_AGAIN = 100 * 1000 };

_Atomic uint64_t proc_idle_mask; /* cores that sleep and may be woken for work */

static _Atomic int searchers; /* cores that look for work, or have been woken to */

static uint64_t idle_cores(void)
{
	return atomic_load_explicit(&proc_idle_mask, memory_order_relaxed);
}

void proc_interrupt(struct core *to)
{
	struct core *core = core_here();

	if (core->in_handler & HANDLER_IRQ)
		shared_add(core->handler_ipis, 1);
	else
		shared_add(core->ipis, 1);
	arch_send_reschedule(to);
}

bool proc_notify(void)
{
	for (;;) {
		int none = 0;

		/* seq_cst: with the fence in proc_sleep: either that core sees the work, or this one sees
		 * it idle. */
		atomic_thread_fence(memory_order_seq_cst);
		if (!proc_idle_cores())
			return false;
		if (!atomic_compare_exchange_strong_explicit(&searchers, &none, 1,
							     memory_order_relaxed,
							     memory_order_relaxed))
			return true;
		for (uint64_t mask; (mask = idle_cores());) {
			uint64_t bit = mask & -mask;

			if (atomic_fetch_and_explicit(&proc_idle_mask, ~bit, memory_order_relaxed) &
			    bit) {
				proc_interrupt(cores[__builtin_ctzl(bit)]);
				return true;
			}
		}
		/* Others took this for a searcher, and woke nobody: so it looks once more. */
		atomic_fetch_sub_explicit(&searchers, 1, memory_order_relaxed);
	}
}

struct co *proc_search(struct core *core, bool *searching)
{
	struct co *batch[STEAL_MAX];

	if (!*searching)
		atomic_fetch_add_explicit(&searchers, 1, memory_order_relaxed);
	*searching = true;
	core->random = core->random * 1664525 + 1013904223;

	int start = (int)((core->random >> 8) % (uint32_t)core_count);

	for (int i = 0; i < core_count; i++) {
		struct core *victim = cores[(start + i) % core_count];
		uint32_t n;

		if (victim == core ||
		    !(n = steal_ring_take(&victim->proc.ring, batch, STEAL_MAX, false)))
			continue;
		shared_add(core->steals, n);
		if (traced(core))
			trace_event(core, TRACE_STEAL, (uint64_t)victim->index, n);
		for (uint32_t j = 1; j < n; j++)
			proc_file(core, batch[j]);
		core->proc.ticks++;
		return batch[0];
	}
	return NULL;
}

void proc_search_ends(const struct core *core, const struct co *found)
{
	/* The last searcher that found something wakes the next: where there was one coroutine, there
	 * may be more. A disabled core passes its waking on. */
	if (atomic_fetch_sub_explicit(&searchers, 1, memory_order_relaxed) == 1 &&
	    (found || !proc_enabled(core)))
		proc_notify();
}

static bool work_somewhere(struct core *core)
{
	if (core->irq_pending || proc_waiting(core))
		return true;
	if (!proc_enabled(core))
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
		if (runq_len(&other->proc.runq) + shared_get(other->proc.expired.count) ||
		    (again && preempt_slice_is_long(other))) {
			proc_interrupt(other);
			busy = true;
		}
		busy |= atomic_load_explicit(&other->running, memory_order_relaxed) != NULL;
	}
	return busy;
}

/* The interrupt that came left nothing for the scheduler to serve: the core may look for work again. What
 * service serves is asked for here. */
static bool only_to_look(struct core *core)
{
	shared_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);

	uint64_t next = atomic_load_explicit(&core->wheel.next, memory_order_relaxed);

	if (next <= arch_clock() || atomic_load_explicit(&core->proc.inbox, memory_order_relaxed) ||
	    atomic_load_explicit(&core->proc.deferred, memory_order_relaxed) ||
	    page_give_back_wanted(core) || shared_get(world_stopping) || !proc_enabled(core)) {
		shared_set(core->irq_pending, true);
		return false;
	}
	preempt_timer_by(core, next);
	return true;
}

bool proc_sleep(struct core *core)
{
	bool enabled = proc_enabled(core);
	uint64_t bit = UINT64_C(1) << core->index, before = bit;
	uint64_t since = arch_clock(), idle_time = shared_get(core->idle_time);

	shared_set(core->proc.slice_armed, false);
	shared_set(core->idle_time, (idle_time - since) | CORE_IDLES);
	atomic_store_explicit(&core->running, NULL, memory_order_relaxed);
	if (enabled)
		atomic_fetch_or_explicit(&proc_idle_mask, bit, memory_order_relaxed);
	if (traced(core))
		trace_event(core, TRACE_IDLE, 0, 0);
	stuck_enter_idle();
	/* seq_cst: with the fence in proc_notify. */
	atomic_thread_fence(memory_order_seq_cst);
	/* The second time, all that was put before the bit was set is visible. Until then the bit stays
	 * set: what is put meanwhile is shared. */
	for (bool again = false; !work_somewhere(core) && !stuck_check(); again = true) {
		if (enabled && ask_for_work(core, again) && !again)
			preempt_timer_by(core, since + LOOK_AGAIN);
		arch_interrupts_off();
		/* The mask has lost the bit: somebody wakes this core. */
		if (core->irq_pending || (enabled && !(idle_cores() & bit)))
			arch_interrupts_on();
		else
			arch_halt();
		if (again || !enabled || !(idle_cores() & bit) || !only_to_look(core))
			break;
	}
	stuck_leave_idle();
	if (enabled)
		before = atomic_fetch_and_explicit(&proc_idle_mask, ~bit, memory_order_relaxed);
	shared_set(core->idle_time, idle_time + (arch_clock() - since));
	atomic_store_explicit(&core->running, core->scheduler, memory_order_relaxed);
	return !(before & bit);
}
