/* A hundred thousand coroutines, all alive at once; each waits once. */
#include <stdio.h>
#include <vole.h>

enum { CROWD = 100000 };

static struct waitgroup here;
static struct chan *go_on;

static void member(void *arg)
{
	(void)arg;
	waitgroup_done(&here);
	chan_recv(go_on, (void *)NULL);
}

int main(void)
{
	struct waitgroup left = {0};

	go_on = chan_make(0, 0);
	waitgroup_add(&here, CROWD);
	for (int i = 0; i < CROWD; i++)
		waitgroup_go(&left, member, NULL);
	waitgroup_wait(&here);
	chan_close(go_on);
	waitgroup_wait(&left);
	printf("all\n");
	return 0;
}
