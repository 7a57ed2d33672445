/*
 * Receives if there is a value in the channel: two may see the same one, and one of them waits for
 * ever.
 * fault: deadlock
 */
#include <vole.h>

static struct chan *values;

static void receiver(void *arg)
{
	int value;

	(void)arg;
	if (chan_len(values) > 0)
		chan_recv(values, &value);
}

int main(void)
{
	struct waitgroup both = {0};
	int value = 1;

	values = chan_of(int, 1);
	chan_send(values, &value);
	waitgroup_go(&both, receiver, NULL);
	waitgroup_go(&both, receiver, NULL);
	waitgroup_wait(&both);
	return 0;
}
