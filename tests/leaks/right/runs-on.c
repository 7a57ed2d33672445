/* Who computes, yields or sleeps has on its stack or in a register what others wait for, and in variables of
 * its own. */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

static _Atomic bool over;
static _Thread_local struct chan *own;

static void waits(void *c)
{
	chan_recv((struct chan *)c, (int *)NULL);
}

static void computes(void *unused)
{
	struct chan *c = chan_of(int, 0);

	(void)unused;
	go(waits, c);
	while (!over)
		;
	chan_close(c);
}

static void yields(void *unused)
{
	struct waitgroup wg = {0};
	struct chan *c = chan_of(int, 0);

	(void)unused;
	for (int i = 0; i < 3; i++)
		waitgroup_go(&wg, waits, c);
	while (!over)
		go_yield();
	chan_close(c);
	waitgroup_wait(&wg);
}

static void sleeps(void *unused)
{
	(void)unused;
	own = chan_of(int, 0);
	go(waits, own);
	while (!over)
		time_sleep(NSEC_PER_MSEC);
	chan_close(own);
}

int main(void)
{
	struct waitgroup wg = {0};

	waitgroup_go(&wg, computes, NULL);
	waitgroup_go(&wg, yields, NULL);
	waitgroup_go(&wg, sleeps, NULL);
	time_sleep(20 * NSEC_PER_MSEC);
	over = true;
	waitgroup_wait(&wg);
	return 0;
}
