/*
 * A coroutine that takes every error but the end of the channel for a hitch, and tries again: when
 * it is cancelled, it never ends.
 * fault: hang or starvation
 */
#include <errno.h>
#include <vole.h>

static struct chan *values;

static int consumer(void *arg)
{
	int value;

	(void)arg;
	while (chan_recv(values, &value) != -EPIPE)
		;
	return 0;
}

static int producer(void *arg)
{
	int value = 1;

	(void)arg;
	if (chan_try_send(values, &value) != 0)
		return -EAGAIN;
	chan_close(values);
	return 0;
}

int main(void)
{
	struct group group;

	values = chan_of(int, 0);
	group_init(&group, TIME_NEVER);
	group_go(&group, consumer, NULL);
	group_go(&group, producer, NULL);
	group_wait(&group);
	return 0;
}
