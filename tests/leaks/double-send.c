/* After an error a second answer is sent, for which nobody waits. */
// leaks: 1 "serve" waiting for chan send
#include <vole.h>

static void serve(void *c)
{
	int value = -1;

	chan_send((struct chan *)c, &value); /* a return is missing here */
	value = 0;
	chan_send((struct chan *)c, &value);
}

int main(void)
{
	struct chan *c = chan_of(int, 0);
	int value;

	go(serve, c);
	chan_recv(c, &value);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
