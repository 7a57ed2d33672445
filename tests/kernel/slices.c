/*
 * Slices that are shorter than what an interrupt takes in the host's C library, or a sanitizer's: on one core,
 * beside two timers that start a coroutine every 400 us, others get on. Where nearly all of a slice is lost, they
 * do not, or only in hundreds of times the time.
 */
#include <time.h>

#include "test.h"

enum { TIMERS = 2, OTHERS = 10, TURNS = 100, MOST = 60 /* times */ };

static void nothing(void *arg)
{
	(void)arg;
}

static void take_turns(void *arg)
{
	char text[400];

	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		free(malloc(100)); /* the sanitizer's: an interrupt in there is put off */
		/* Multiplies long numbers: on the host port an interrupt in there is put off by many steps. */
		snprintf(text, sizeof(text), "%.30Lg", 1.2345e3000L);
		go_yield();
	}
}

/* The processor's time that it takes until all have had their turns. */
static clock_t turns_of_all(void)
{
	struct waitgroup all = {0};
	clock_t start = clock();

	for (int i = 0; i < OTHERS; i++)
		waitgroup_go(&all, take_turns, NULL);
	waitgroup_wait(&all);
	return clock() - start;
}

int main(int argc, char **argv)
{
	struct timer timers[TIMERS] = {0};
	clock_t alone, beside;

	test_begin(argc, argv, 2);
	runtime_procs(1);
	alone = turns_of_all();
	runtime_set_quantum(20 * NSEC_PER_USEC);
	for (int i = 0; i < TIMERS; i++)
		timer_start(&timers[i], time_now(), 400 * NSEC_PER_USEC, nothing, NULL);
	beside = turns_of_all();
	for (int i = 0; i < TIMERS; i++)
		timer_stop(&timers[i]);
	verdict("who takes turns gets on beside timers, however short the slices are");
	printf("# %ld times the processor's time\n", (long)(beside / (alone + 1)));
	check(beside / (alone + 1) < MOST, "what interrupts take is not most of the time");
	return test_end();
}
