/* Who waits alone for what nobody else can know, one of each kind. */
// leaks: 1 "at_wg" waiting for waitgroup wait
// leaks: 1 "at_sema" waiting for sema acquire
// leaks: 1 "at_event" waiting for event wait
// leaks: 1 "at_cond" waiting for cond wait
// leaks: 1 "at_chan" waiting for chan receive
// leaks: 1 "at_sleep" waiting for sleep
#include <vole.h>

static void at_wg(void *unused)
{
	struct waitgroup wg = {0};

	(void)unused;
	waitgroup_add(&wg, 1);
	waitgroup_wait(&wg);
}

static void at_sema(void *unused)
{
	struct sema sema = {0};

	(void)unused;
	sema_acquire(&sema);
}

static void at_event(void *unused)
{
	struct event event = {0};

	(void)unused;
	event_wait(&event);
}

static void at_cond(void *unused)
{
	struct mutex mutex = {0};
	struct cond cond = {0};

	(void)unused;
	mutex_lock(&mutex);
	cond_wait(&cond, &mutex);
}

static void at_chan(void *unused)
{
	(void)unused;
	chan_recv(chan_of(int, 0), (int *)NULL);
}

static void at_sleep(void *unused)
{
	(void)unused;
	time_sleep(TIME_NEVER);
}

int main(void)
{
	go(at_wg, NULL);
	go(at_sema, NULL);
	go(at_event, NULL);
	go(at_cond, NULL);
	go(at_chan, NULL);
	go(at_sleep, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
