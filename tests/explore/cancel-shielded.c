/*
 * A member of a group that holds cancellation off while it waits for another member, who was
 * cancelled and will not answer.
 * fault: deadlock
 */
#include <errno.h>
#include <vole.h>

static struct chan *requests, *answers;

static int client(void *arg)
{
	int value = 1;

	(void)arg;
	if (chan_send(requests, &value) != 0)
		return 0;
	go_shield(true);
	chan_recv(answers, &value);
	return 0;
}

static int server(void *arg)
{
	int value;

	(void)arg;
	if (chan_recv(requests, &value) == 0)
		chan_send(answers, &value);
	return 0;
}

static int fails(void *arg)
{
	(void)arg;
	return -EIO;
}

int main(void)
{
	struct group group;

	requests = chan_of(int, 0);
	answers = chan_of(int, 0);
	group_init(&group, TIME_NEVER);
	group_go(&group, client, NULL);
	group_go(&group, server, NULL);
	group_go(&group, fails, NULL);
	group_wait(&group);
	return 0;
}
