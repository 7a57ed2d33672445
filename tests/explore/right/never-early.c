/* Sleeps for a moment, a second, a day, and is never woken before the time. */
#include <vole.h>

static _Atomic int early;

static void sleeper(void *arg)
{
	static const uint64_t times[] = {50 * NSEC_PER_USEC, NSEC_PER_MSEC, NSEC_PER_SEC,
					 24 * 3600 * NSEC_PER_SEC};

	(void)arg;
	for (int i = 0; i < 4; i++) {
		uint64_t deadline = time_now() + times[i];

		time_sleep_until(deadline);
		early += time_now() < deadline;
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, sleeper, NULL);
	waitgroup_go(&both, sleeper, NULL);
	waitgroup_wait(&both);
	return early;
}
