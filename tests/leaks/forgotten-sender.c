/*
 * Who asks waits for the answer for a while only, and leaves. Who answers after that waits for ever: nobody
 * has the channel any more.
 */
// leaks: 3 "answer" waiting for chan send
#include <vole.h>

static void answer(void *c)
{
	int value = 42;

	time_sleep(100 * NSEC_PER_MSEC);
	chan_send((struct chan *)c, &value);
}

static int ask(void)
{
	struct chan *c = chan_of(int, 0);
	int value = 0;

	go(answer, c);
	chan_recv_until(c, &value, time_now() + NSEC_PER_MSEC);
	return value;
}

int main(void)
{
#pragma GCC unroll 3 /* three calls of go at one line: they are told of together */
	for (int i = 0; i < 3; i++)
		ask();
	time_sleep(200 * NSEC_PER_MSEC);
	return 0;
}
