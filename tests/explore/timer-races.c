/*
 * A timer's function runs in a coroutine of its own: what it counts in is not the sleeper's alone.
 * fault: race
 */
#include <vole.h>

static struct timer timer;
static int fired;

static void fire(void *arg)
{
	(void)arg;
	fired++;
}

int main(void)
{
	timer_start(&timer, time_now() + NSEC_PER_MSEC, 0, fire, NULL);
	time_sleep(2 * NSEC_PER_MSEC);
	return fired != 1;
}
