/*
 * Who asks waits for the answer for a while only, and leaves. Who answers after that waits for ever: nobody
 * has the channel any more.
 */
// leaks: 3 "answer" waiting for chan send
#include <stdatomic.h>
#include <vole.h>

enum { ASKS = 3 };

static _Atomic int left; /* of those who have asked */

/* Takes longer than anybody waits for it. */
static void answer(void *c)
{
	int value = 42;

	while (left < ASKS)
		go_yield();
	chan_send((struct chan *)c, &value);
}

static int ask(void)
{
	struct chan *c = chan_of(int, 0);
	int value = 0;

	go(answer, c);
	chan_recv_until(c, &value, time_now() + NSEC_PER_MSEC);
	left++;
	return value;
}

int main(void)
{
	struct runtime_stats stats;

#pragma GCC unroll 3 /* three calls of go at one line: they are told of together */
	for (int i = 0; i < ASKS; i++)
		ask();
	do {
		go_yield();
		runtime_stats(&stats);
	} while (stats.parked < ASKS); /* until all wait for somebody to receive */
	return 0;
}
