/* Fault: looks whether it must wait, and then waits, without a lock: the wake-up may come in between. */
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

int main(void)
{
	char byte;

	woken = chan_of(char, 1);
	go(producer, NULL);
	if (!ready) {
		waits = true;
		chan_recv(woken, &byte);
	}
	return 0;
}
