/*
 * Waits for one of two channels, or until a deadline; what was not received is still in its
 * channel.
 */
#include <errno.h>
#include <vole.h>

static struct chan *a, *b;

static void sender(void *arg)
{
	int value = 1;

	time_sleep(2 * NSEC_PER_USEC);
	chan_send(arg, &value);
}

int main(void)
{
	struct waitgroup both = {0};
	int value = 0, sum = 0;
	struct select_case cases[] = {{a = chan_of(int, 1), SELECT_RECV, &value, 0},
				      {b = chan_of(int, 1), SELECT_RECV, &value, 0}};

	waitgroup_go(&both, sender, a);
	waitgroup_go(&both, sender, b);
	while (chan_select_until(cases, 2, time_now() + 2 * NSEC_PER_USEC) != -ETIMEDOUT)
		sum += value;
	waitgroup_wait(&both);
	while (chan_try_recv(a, &value) == 0 || chan_try_recv(b, &value) == 0)
		sum += value;
	return sum != 2;
}
