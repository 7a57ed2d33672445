/* The last of the senders closes the channel: it is the one that has lowered the count to none. */
#include <vole.h>

static struct chan *values;
static _Atomic int senders = 2;

static void sender(void *arg)
{
	int one = 1;

	(void)arg;
	chan_send(values, &one);
	if (--senders == 0 && chan_close(values) != 0)
		runtime_panic("closed twice");
}

int main(void)
{
	int value, sum = 0;

	values = chan_of(int, 0);
	go(sender, NULL);
	go(sender, NULL);
	while (chan_recv(values, &value) == 0)
		sum += value;
	return sum != 2;
}
