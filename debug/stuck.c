/*
 * When all cores are idle at one instant, no queue holds a coroutine, no timer is pending and no
 * device is waited for, nothing will ever happen again. It is one instant, for no core begins or ends to
 * be idle while this looks.
 */
#include "debug/stuck.h"

#include <stdlib.h>

#include "kernel/lock.h"
#include "kernel/proc.h"
#include "kernel/sched.h"

static struct spinlock idle_lock;
/* guarded by idle_lock */
static int idle_cores;
static bool started;

_Atomic int background_timers;

void stuck_started(void)
{
	lock(&idle_lock);
	started = true;
	unlock(&idle_lock);
}

static void count_idle(int change)
{
	spin_lock(&idle_lock);
	shared_set(idle_cores, idle_cores + change);
	spin_unlock(&idle_lock);
}

void stuck_enter_idle(void)
{
	count_idle(1);
}

void stuck_leave_idle(void)
{
	count_idle(-1);
}

static bool all_empty(void)
{
	for (int i = 0; i < core_count(); i++) {
		struct core *core = cores[i];

		if (shared_get(core->irq_pending) || proc_waiting(core) ||
		    atomic_load_explicit(&core->proc.inbox, memory_order_relaxed) ||
		    atomic_load_explicit(&core->proc.deferred, memory_order_relaxed))
			return false;
	}
	return true;
}

static bool something_may_come(void)
{
	int timers = 0;

	for (int i = 0; i < core_count(); i++)
		timers += (int)shared_get(cores[i]->wheel.pending);
	return timers > atomic_load_explicit(&background_timers, memory_order_relaxed) ||
	       atomic_load_explicit(&external_waits, memory_order_relaxed) ||
	       atomic_load_explicit(&irqs_attached, memory_order_relaxed);
}

static void end_machine(void *unused)
{
	(void)unused;
	exit(0);
}

enum verdict { MAY_GO_ON, ALL_ENDED, STUCK };

static enum verdict look(void)
{
	uint64_t spawned = 0, ended = 0;

	if (!started || idle_cores != core_count() || !all_empty())
		return MAY_GO_ON;
	for (int i = 0; i < core_count(); i++) {
		spawned += shared_get(cores[i]->spawned);
		ended += shared_get(cores[i]->exited);
	}
	if (spawned == ended) {
		started = false;
		return ALL_ENDED;
	}
	return something_may_come() ? MAY_GO_ON : STUCK;
}

bool stuck_check(void)
{
	enum verdict verdict;

	if (shared_get(idle_cores) != core_count())
		return false;
	spin_lock(&idle_lock);
	verdict = look();
	spin_unlock(&idle_lock);
	if (verdict == STUCK)
		panic_deadlock();
	if (verdict == MAY_GO_ON)
		return false;
	/* main has called go_exit, and it was the last: stdio is flushed by a coroutine. */
	if (go(end_machine, NULL))
		panic("out of memory for the last coroutine");
	return true;
}
