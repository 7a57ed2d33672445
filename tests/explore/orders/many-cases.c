/* A select over so many channels that what it needs is from the heap: several send at the same time. */
#include <vole.h>

enum { CASES = 18, SENDERS = 3, TIMES = 4 };

static struct chan *channels[CASES];

static void sender(void *arg)
{
	int which = (int)(intptr_t)arg;

	for (int i = 0; i < TIMES; i++)
		if (chan_send(channels[which * 5], &i))
			return;
}

int main(void)
{
	struct waitgroup all = {0};
	int value[CASES], sum = 0;

	for (int i = 0; i < CASES; i++)
		channels[i] = chan_make(sizeof(int), 0);
	for (intptr_t i = 0; i < SENDERS; i++)
		waitgroup_go(&all, sender, (void *)i);
	for (int n = 0; n < SENDERS * TIMES; n++) {
		struct select_case cases[CASES];

		for (int i = 0; i < CASES; i++)
			cases[i] = (struct select_case){.op = SELECT_RECV,
							.chan = channels[i],
							.elem = &value[i]};
		sum += value[chan_select(cases, CASES)];
	}
	waitgroup_wait(&all);
	return sum != SENDERS * TIMES * (TIMES - 1) / 2;
}
