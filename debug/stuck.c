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
	atomic_store(&started, true);
}

void stuck_enter_idle(void)
{
	atomic_fetch_add(&idle_cores, 1);
}

void stuck_leave_idle(void)
{
	/* In this order: a core that left before stuck_check read idle_leaves is not counted as idle
	 * by it, and cannot come and go again unnoticed. */
	atomic_fetch_sub(&idle_cores, 1);
	atomic_fetch_add(&idle_leaves, 1);
}

static bool all_empty(void)
{
	if (proc_global_len())
		return false;
	for (int i = 0; i < core_count; i++) {
		struct core *core = cores[i];

		if (relaxed_get(core->irq_pending) || proc_waiting(core) ||
		    relaxed_get(core->resume) || atomic_load(&core->proc.inbox) ||
		    atomic_load(&core->proc.deferred))
			return false;
	}
	return true;
}

static bool something_may_come(void)
{
	int timers = 0;

	for (int i = 0; i < core_count; i++)
		timers += (int)atomic_load(&cores[i]->wheel.pending);
	return timers > atomic_load(&background_timers) || atomic_load(&external_waits) ||
	       atomic_load(&irqs_attached);
}

static void end_machine(void *unused)
{
	(void)unused;
	exit(0);
}

bool stuck_check(void)
{
	uint64_t leaves = atomic_load(&idle_leaves);
	uint64_t spawned = 0, ended = 0;
	bool empty, more;

	if (!atomic_load(&started) || atomic_load(&idle_cores) != core_count)
		return false;
	empty = all_empty();
	more = something_may_come();
	for (int i = 0; i < core_count; i++) {
		spawned += relaxed_get(cores[i]->spawned);
		ended += relaxed_get(cores[i]->exited);
	}
	if (!empty || atomic_load(&idle_leaves) != leaves || atomic_load(&idle_cores) != core_count)
		return false;
	if (spawned == ended) {
		/* main has called go_exit, and it was the last: stdio is flushed by a coroutine. */
		atomic_store(&started, false);
		if (go(end_machine, NULL))
			panic("out of memory for the last coroutine");
		return true;
	}
	if (more)
		return false;
	panic_deadlock();
}
