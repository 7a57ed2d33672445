/*
 * The last of the senders is to close the channel; two may both find that they are the last.
 * fault: status
 */
#include <vole.h>

static struct chan *values;
static _Atomic int senders = 2, closed_twice;

static void sender(void *arg)
{
	int one = 1;

	(void)arg;
	chan_send(values, &one);
	senders--;
	if (senders == 0 && chan_close(values) != 0)
		closed_twice++;
}

int main(void)
{
	struct waitgroup both = {0};

	values = chan_of(int, 2);
	waitgroup_go(&both, sender, NULL);
	waitgroup_go(&both, sender, NULL);
	waitgroup_wait(&both);
	return closed_twice;
}
