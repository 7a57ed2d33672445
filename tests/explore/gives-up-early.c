/*
 * A worker goes home when the queue is empty, although another one is about to put more into it;
 * that one leaves it to the others.
 * fault: status
 */
#include <vole.h>

static struct chan *queue;
static _Atomic int served;

static void worker(void *arg)
{
	int job;

	(void)arg;
	while (chan_try_recv(queue, &job) == 0) {
		served++;
		if (job > 1) {
			int half = job / 2;

			chan_send(queue, &half);
			chan_send(queue, &half);
			return;
		}
	}
}

int main(void)
{
	struct waitgroup all = {0};
	int job = 2;

	queue = chan_of(int, 8);
	chan_send(queue, &job);
	for (int i = 0; i < 2; i++)
		waitgroup_go(&all, worker, NULL);
	waitgroup_wait(&all);
	return served != 3;
}
