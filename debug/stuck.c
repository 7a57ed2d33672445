/*
 * When all cores are idle at one instant, no queue holds a coroutine, no timer is pending and no
 * device is waited for, nothing will ever happen again. That it was one instant is known from
 * idle_leaves: no core left its idleness while this one looked.
 */
#include "debug/stuck.h"

#include <stdlib.h>

#include "kernel/proc.h"
#include "kernel/sched.h"

static _Atomic int idle_cores;
static _Atomic uint64_t idle_leaves;
static _Atomic bool started;

_Atomic int background_timers;

void stuck_started(void)
{
	atomic_store_explicit(&started, true, memory_order_relaxed);
}

void stuck_enter_idle(void)
{
	/* release: with the acquire in stuck_check, which then sees all that this core has left. */
	atomic_fetch_add_explicit(&idle_cores, 1, memory_order_release);
}

void stuck_leave_idle(void)
{
	/* In this order: a core that left before stuck_check read idle_leaves is not counted as idle
	 * by it, and cannot come and go again unnoticed. release: with the acquire in stuck_check. */
	atomic_fetch_sub_explicit(&idle_cores, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&idle_leaves, 1, memory_order_release);
	/* release: with the fence in stuck_check: who sees what this core does now sees that it left. */
	atomic_thread_fence(memory_order_release);
}

static bool all_empty(void)
{
	for (int i = 0; i < core_count; i++) {
		struct core *core = cores[i];

		if (relaxed_get(core->irq_pending) || proc_waiting(core) ||
		    relaxed_get(core->resume) ||
		    atomic_load_explicit(&core->proc.inbox, memory_order_relaxed) ||
		    atomic_load_explicit(&core->proc.deferred, memory_order_relaxed))
			return false;
	}
	return true;
}

static bool something_may_come(void)
{
	int timers = 0;

	for (int i = 0; i < core_count; i++)
		timers += (int)atomic_load_explicit(&cores[i]->wheel.pending, memory_order_relaxed);
	return timers > atomic_load_explicit(&background_timers, memory_order_relaxed) ||
	       atomic_load_explicit(&external_waits, memory_order_relaxed) ||
	       atomic_load_explicit(&irqs_attached, memory_order_relaxed);
}

static void end_machine(void *unused)
{
	(void)unused;
	exit(0);
}

bool stuck_check(void)
{
	/* acquire: with the release in stuck_leave_idle. */
	uint64_t leaves = atomic_load_explicit(&idle_leaves, memory_order_acquire);
	uint64_t spawned = 0, ended = 0;
	bool empty, more;

	/* acquire: with the release in stuck_enter_idle. */
	if (!atomic_load_explicit(&started, memory_order_relaxed) ||
	    atomic_load_explicit(&idle_cores, memory_order_acquire) != core_count)
		return false;
	empty = all_empty();
	more = something_may_come();
	for (int i = 0; i < core_count; i++) {
		spawned += relaxed_get(cores[i]->spawned);
		ended += relaxed_get(cores[i]->exited);
	}
	/* acquire: with the fence in stuck_leave_idle. */
	atomic_thread_fence(memory_order_acquire);
	if (!empty || atomic_load_explicit(&idle_leaves, memory_order_relaxed) != leaves)
		return false;
	if (spawned == ended) {
		/* main has called go_exit, and it was the last: stdio is flushed by a coroutine. */
		atomic_store_explicit(&started, false, memory_order_relaxed);
		if (go(end_machine, NULL))
			panic("out of memory for the last coroutine");
		return true;
	}
	if (more)
		return false;
	panic_deadlock();
}
