/*
 * A receiver that has enough closes the channel, although others still send on it.
 * fault: panic
 */
#include <vole.h>

static struct chan *values;

static void sender(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++)
		if (chan_send(values, &i) != 0)
			runtime_panic("a value that nobody gets");
}

int main(void)
{
	struct waitgroup both = {0};
	int value, sum = 0;

	values = chan_of(int, 4);
	waitgroup_go(&both, sender, NULL);
	waitgroup_go(&both, sender, NULL);
	while (sum < 1 && chan_recv(values, &value) == 0)
		sum += value;
	chan_close(values);
	waitgroup_wait(&both);
	return 0;
}
