/*
 * Slices that are shorter than what an interrupt takes under a sanitizer: on one core, beside two timers that
 * start a coroutine every 400 us, others get on. Where nearly all of a slice is lost, they do not.
 */
#include "test.h"

enum { TIMERS = 2, OTHERS = 10, TURNS = 100 };

static void nothing(void *arg)
{
	(void)arg;
}

static void take_turns(void *arg)
{
	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		free(malloc(100)); /* the sanitizer's: an interrupt in there is put off */
		go_yield();
	}
}

int main(int argc, char **argv)
{
	struct timer timers[TIMERS] = {0};
	struct waitgroup all = {0};
	uint64_t now = time_now();

	test_begin(argc, argv, 1);
	runtime_procs(1);
	runtime_set_quantum(20 * NSEC_PER_USEC);
	for (int i = 0; i < TIMERS; i++)
		timer_start(&timers[i], now, 400 * NSEC_PER_USEC, nothing, NULL);
	for (int i = 0; i < OTHERS; i++)
		waitgroup_go(&all, take_turns, NULL);
	waitgroup_wait(&all);
	for (int i = 0; i < TIMERS; i++)
		timer_stop(&timers[i]);
	verdict("who takes turns gets on beside timers, however short the slices are");
	return test_end();
}
