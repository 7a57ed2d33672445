/*
 * Who cancels a job counts it as done, and so does the job, if it had begun already.
 * fault: panic
 */
#include <vole.h>

static struct waitgroup all;
static _Atomic bool cancelled;

static void job(void *arg)
{
	(void)arg;
	if (cancelled)
		return;
	go_yield();
	waitgroup_done(&all);
}

int main(void)
{
	waitgroup_add(&all, 1);
	go(job, NULL);
	go_yield();
	cancelled = true;
	waitgroup_done(&all);
	waitgroup_wait(&all);
	time_sleep(NSEC_PER_SEC);
	return 0;
}
