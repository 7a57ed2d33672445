/*
 * A worker that finds the queue full goes home without saying that it is done.
 * fault: deadlock
 */
#include <vole.h>

static struct waitgroup all;
static struct chan *queue;

static void worker(void *arg)
{
	int value = 1;

	(void)arg;
	if (chan_try_send(queue, &value) != 0)
		return;
	waitgroup_done(&all);
}

int main(void)
{
	int value;

	queue = chan_of(int, 1);
	waitgroup_add(&all, 2);
	go(worker, NULL);
	go(worker, NULL);
	chan_recv(queue, &value);
	waitgroup_wait(&all);
	return 0;
}
