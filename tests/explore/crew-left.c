/*
 * A crew takes what is to be done from a channel; who has given it out leaves when all is done, and
 * neither closes the channel nor waits for its group.
 * fault: leak
 * with: LEAKS=1
 */
#include <vole.h>

enum { CREW = 3, JOBS = 4 };

static struct chan *jobs;
static struct waitgroup done;

static int crew(void *unused)
{
	int job;

	(void)unused;
	while (!chan_recv(jobs, &job))
		waitgroup_done(&done);
	return 0;
}

int main(void)
{
	static struct group group;

	jobs = chan_of(int, JOBS);
	waitgroup_add(&done, JOBS);
	for (int i = 0; i < CREW; i++)
		group_go(&group, crew, NULL);
	for (int i = 0; i < JOBS; i++)
		chan_send(jobs, &i);
	waitgroup_wait(&done);
	return 0;
}
