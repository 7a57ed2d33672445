/*
 * Two neighbours, each with a channel to the other. Who has got nothing yet sends; when both do so,
 * nobody receives.
 * fault: deadlock
 */
#include <vole.h>

static struct chan *to[2];

static void talk(int me)
{
	int word = me;

	if (chan_try_recv(to[me], &word) == 0)
		return;
	chan_send(to[!me], &word);
}

static void first(void *arg)
{
	(void)arg;
	talk(0);
}

static void second(void *arg)
{
	int word;

	(void)arg;
	talk(1);
	chan_try_recv(to[1], &word);
}

int main(void)
{
	struct waitgroup both = {0};

	to[0] = chan_of(int, 0);
	to[1] = chan_of(int, 0);
	waitgroup_go(&both, first, NULL);
	waitgroup_go(&both, second, NULL);
	waitgroup_wait(&both);
	return 0;
}
