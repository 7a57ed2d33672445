/* A cancelled restore leaves, while another sends more than the channel holds. */
// leaks: 1 "split_and_scatter" waiting for chan send
#include "goker.h"

enum { SIZE = 6 };

static void split_and_scatter(void *ready)
{
	for (int i = 0; i < SIZE + 2; i++)
		give(ready);
	chan_close(ready);
}

static void restore(void *cancelled)
{
	struct chan *ready = signals(SIZE);

	go(split_and_scatter, ready);
	while (!take(ready))
		if (!chan_try_select((struct select_case[]){RECEIVE(cancelled)}, 1))
			return;
}

int main(void)
{
	struct chan *cancelled = signals(0);

	chan_close(cancelled);
	go(restore, cancelled);
	return settled();
}
