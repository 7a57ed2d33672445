/*
 * A channel is freed when its value was sent; another receiver may wait on it, or is about to.
 * fault: panic or memory or race
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
	int value = 1;

	values = chan_of(int, 1);
	chan_send(values, &value);
	go(receiver, NULL);
	chan_recv(values, &value);
	chan_free(values);
	time_sleep(NSEC_PER_SEC);
	return 0;
}
