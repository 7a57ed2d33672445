/*
 * The count of the workers that are waited for is raised by the workers, not before they start.
 * fault: status
 */
#include <vole.h>

static struct waitgroup all;
static _Atomic int done;

static void worker(void *arg)
{
	(void)arg;
	waitgroup_add(&all, 1);
	done++;
	waitgroup_done(&all);
}

int main(void)
{
	for (int i = 0; i < 2; i++)
		go(worker, NULL);
	go_yield();
	waitgroup_wait(&all);
	return done != 2;
}
