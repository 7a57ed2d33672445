#include <vole/time.h>

#include <errno.h>

#include "kernel/lock.h"
#include "sync/wait.h"

uint64_t time_now(void)
{
	return arch_clock();
}

int time_sleep_until(uint64_t deadline)
{
	call_may_wait("time_sleep_until");
	if (wait_cancelled())
		return -ECANCELED;
	if (wait_expired(deadline))
		return 0;
	preempt_disable();
	wait_open(WAIT_SLEEP, NULL);

	int32_t claim = wait_park_cancellable(deadline);

	preempt_enable();
	return claim == -ETIMEDOUT ? 0 : claim;
}

int time_sleep(uint64_t ns)
{
	call_may_wait("time_sleep");

	uint64_t now = arch_clock();

	if (ns == 0)
		return wait_cancelled() ? -ECANCELED : 0;
	return time_sleep_until(ns < TIME_NEVER - now ? now + ns : TIME_NEVER);
}
