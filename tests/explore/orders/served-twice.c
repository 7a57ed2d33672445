/*
 * Two send at a time to a select that waits for either: one is received, the other finds that it comes
 * too late, and leaves the select alone, whose stack is used for something else.
 */
#include <stdatomic.h>
#include <vole.h>

enum { TIMES = 12 };

static struct chan *channels[2], *nobody[2];
static _Atomic bool over;

static int select_two(struct chan **from, uint64_t deadline)
{
	int value;
	struct select_case cases[2] = {
		{.op = SELECT_RECV, .chan = from[0], .elem = &value},
		{.op = SELECT_RECV, .chan = from[1], .elem = &value},
	};

	return chan_select_until(cases, 2, deadline);
}

static void sender(void *to)
{
	int value = 1;

	while (!over) {
		chan_try_send(to, &value);
		go_yield();
	}
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		channels[i] = chan_make(sizeof(int), 0);
		nobody[i] = chan_make(sizeof(int), 0);
	}
	go_pin(0);
	for (int i = 0; i < 2; i++)
		go_with(&(struct go_options){.core = i + 1}, sender, channels[i]);
	for (int i = 0; i < TIMES; i++) {
		if (select_two(channels, TIME_NEVER) < 0)
			return 1;
		select_two(nobody, time_now() + 1000);
	}
	over = true;
	return 0;
}
