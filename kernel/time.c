#include <vole/time.h>

#include "kernel/lock.h"
#include "kernel/wait.h"

uint64_t time_now(void)
{
	return arch_clock();
}

int time_sleep_until(uint64_t deadline)
{
	struct wait w;

	if (deadline <= arch_clock())
		return 0;
	preempt_disable();
	wait_open(&w, WAIT_SLEEP, NULL);
	wait_park(&w, deadline);
	preempt_enable();
	return 0;
}

int time_sleep(uint64_t ns)
{
	uint64_t now = arch_clock();

	if (ns == 0)
		return 0;
	return time_sleep_until(ns < TIME_NEVER - now ? now + ns : TIME_NEVER);
}
