#include "debug/world.h"

#include <vole/time.h>

#include "kernel/core.h"
#include "kernel/lock.h"

/* How long a core may take: where there are more of them than the host has processors, some time. */
enum { STOP_WAIT_S = 10 };

struct mutex world_lock;
bool world_stopping; /* written by who stops the world */

static struct spinlock still_lock;
static int still_cores; /* guarded by still_lock */

static int count_still(int change)
{
	int n;

	spin_lock(&still_lock);
	n = still_cores += change;
	spin_unlock(&still_lock);
	return n;
}

void world_wait(void)
{
	count_still(1);
	while (shared_get(world_stopping)) {
		arch_interrupts_off();
		if (shared_get(world_stopping))
			arch_halt(); /* world_go_on interrupts */
		else
			arch_interrupts_on();
	}
	count_still(-1);
}

static void interrupt_others(void)
{
	for (int i = 0; i < core_count(); i++)
		if (cores[i] != core_here())
			arch_send_reschedule(cores[i]);
}

bool world_stop(void)
{
	uint64_t end = arch_clock() + STOP_WAIT_S * NSEC_PER_SEC;

	assert_nopreempt();
	shared_set(world_stopping, true);
	interrupt_others();
	while (count_still(0) != core_count() - 1) {
		if (arch_clock() > end) {
			world_go_on();
			return false;
		}
		for (int i = 0; i < 100; i++)
			arch_relax();
	}
	return true;
}

void world_go_on(void)
{
	/* With the lock: what was done meanwhile is before what others do, who take it when they see this. */
	spin_lock(&still_lock);
	shared_set(world_stopping, false);
	spin_unlock(&still_lock);
	interrupt_others();
	/* Until then another stop would count cores that are about to go on. */
	while (count_still(0))
		arch_relax();
}
