/*
 * Waits for a value for some time only; the channel of time is freed, whether it has fired or not.
 */
#include <vole.h>

static struct chan *values;

static void sender(void *arg)
{
	int value = 1;

	(void)arg;
	time_sleep(3 * NSEC_PER_USEC);
	chan_try_send(values, &value);
}

int main(void)
{
	struct waitgroup one = {0};
	struct chan *late = time_after(3 * NSEC_PER_USEC);
	uint64_t when;
	int value;
	struct select_case cases[] = {{values = chan_of(int, 1), SELECT_RECV, &value, 0},
				      {late, SELECT_RECV, &when, 0}};

	waitgroup_go(&one, sender, NULL);
	chan_select(cases, 2);
	chan_free(late);
	waitgroup_wait(&one);
	chan_free(values);
	return 0;
}
