/*
 * The consumer looks whether it must wait, and then says that it waits, without a lock: the
 * producer may look for somebody to wake in between.
 * fault: deadlock
 */
#include <vole.h>

static _Atomic bool ready, waits;
static struct chan *woken;

static void producer(void *arg)
{
	char byte = 0;

	(void)arg;
	ready = true;
	if (waits)
		chan_send(woken, &byte);
}

static void consumer(void *arg)
{
	char byte;

	(void)arg;
	if (!ready) {
		waits = true;
		chan_recv(woken, &byte);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	woken = chan_of(char, 1);
	waitgroup_go(&both, consumer, NULL);
	waitgroup_go(&both, producer, NULL);
	waitgroup_wait(&both);
	return 0;
}
