/* Workers take what there is from a channel until it is closed, which nobody does. */
// leaks: 3 "worker" waiting for chan receive
#include <vole.h>

static void worker(void *c)
{
	int item;

	while (!chan_recv((struct chan *)c, &item))
		;
}

static void work(int items)
{
	struct chan *c = chan_of(int, 0);

	for (int i = 0; i < 3; i++)
		go(worker, c);
	for (int i = 0; i < items; i++)
		chan_send(c, &i);
}

int main(void)
{
	work(10);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
