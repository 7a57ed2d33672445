/*
 * Two workers post one event, and it is waited for twice: posts that nobody waits for are
 * remembered as one.
 * fault: deadlock
 */
#include <vole.h>

static struct event done;

static void worker(void *arg)
{
	(void)arg;
	event_post(&done);
}

int main(void)
{
	go(worker, NULL);
	go(worker, NULL);
	event_wait(&done);
	event_wait(&done);
	return 0;
}
