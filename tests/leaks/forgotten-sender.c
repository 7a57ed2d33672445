/*
 * Who asks waits for the answer for a while only, and leaves. Who answers after that waits for ever: nobody
 * has the channel any more.
 */
// leaks: 3 "answer" waiting for chan send
#include <vole.h>

enum { ASKED = 3 };

static struct sema late; /* who has asked has left */
static _Atomic int answering;

static void answer(void *c)
{
	int value = 42;

	sema_acquire(&late);
	answering++;
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
	struct runtime_stats stats;

#pragma GCC unroll 3 /* three calls of go at one line: they are told of together */
	for (int i = 0; i < ASKED; i++)
		ask();
	for (int i = 0; i < ASKED; i++)
		sema_release(&late);
	do {
		time_sleep(NSEC_PER_MSEC);
		runtime_stats(&stats);
	} while (answering < ASKED || stats.parked < ASKED);
	return 0;
}
