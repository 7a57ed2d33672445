/* A select without cases, one with channels that nobody else has, and one with NULL only. */
// leaks: 1 "none" waiting for select (no cases)
// leaks: 1 "own" waiting for select
// leaks: 1 "null" waiting for select (no cases)
#include <vole.h>

static void none(void *unused)
{
	(void)unused;
	chan_select(NULL, 0);
}

static void own(void *unused)
{
	int value = 1;
	struct select_case cases[] = {{chan_of(int, 0), SELECT_RECV, NULL, 0},
				      {chan_of(int, 0), SELECT_SEND, &value, 0}};

	(void)unused;
	chan_select(cases, 2);
}

static void null(void *unused)
{
	struct select_case cases[] = {{NULL, SELECT_RECV, NULL, 0}};

	(void)unused;
	chan_select(cases, 1);
}

int main(void)
{
	go(none, NULL);
	go(own, NULL);
	go(null, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
