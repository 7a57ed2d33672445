/*
 * What tests/profiles/cases.py profiles: a miner that digs three times as long as it sifts, and says how long it has
 * done both; with ARGS=panic one that panics then, with ARGS=on one that says so and does not end, and with ARGS=long
 * one for a fast machine.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <vole.h>

enum { ROUNDS = 5, LONG = 40 * ROUNDS, UNIT = 1000000 };

static __attribute__((noinline)) void dig(int n)
{
	for (volatile int i = 0; i < n * UNIT; i++)
		;
}

/* In the other direction: the compiler would take one function for both. */
static __attribute__((noinline)) void sift(int n)
{
	for (volatile int i = n * UNIT; i > 0; i--)
		;
}

/* What a profile counts: where a core is a thread of Linux, the processor time that it has. */
static uint64_t used(void)
{
#ifdef CLOCK_THREAD_CPUTIME_ID
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
#else
	return time_now();
#endif
}

static unsigned long took; /* us */

static void mine(void *rounds)
{
	uint64_t start = time_now(), dug = 0, sifted = 0;

	for (int i = 0; i < *(int *)rounds; i++) {
		if (i == 10 * ROUNDS && *(int *)rounds == INT_MAX) {
			puts("digs on");
			fflush(stdout);
		}
		dug -= used();
		dig(3);
		dug += used();
		sifted -= used();
		sift(1);
		sifted += used();
	}
	took = (unsigned long)(time_now() - start) / 1000;
	printf("dug %lu us, sifted %lu us\n", (unsigned long)dug / 1000,
	       (unsigned long)sifted / 1000);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int rounds = !strcmp(how, "on")     ? INT_MAX
		     : !strcmp(how, "long") ? LONG
		     : *how                 ? 10 * ROUNDS
					    : ROUNDS;

	if (go_with(&(struct go_options){.name = "miner"}, mine, &rounds))
		return 1;
	time_sleep(NSEC_PER_MSEC);
	while (runtime_count() > 1)
		time_sleep(NSEC_PER_MSEC);
	if (!strcmp(how, "panic"))
		runtime_panic("as asked");
	printf("done after %lu us\n", took);
	return 0;
}
