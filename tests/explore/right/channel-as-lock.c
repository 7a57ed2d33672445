/*
 * A channel with one place is a lock: a send takes it, and the receive that makes room gives it
 * back.
 */
#include <vole.h>

static struct chan *lock;
static int count;

static void counter(void *arg)
{
	char byte = 0;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		chan_send(lock, &byte);
		count++;
		chan_recv(lock, &byte);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	lock = chan_of(char, 1);
	waitgroup_go(&both, counter, NULL);
	waitgroup_go(&both, counter, NULL);
	waitgroup_wait(&both);
	return count != 6;
}
