/* Members of a group with a deadline, which will end their waits; and of one that a coroutine may cancel that
 * sleeps. A ticker, a timer's channel and a timer that has the channel of others. */
#include <stdlib.h>
#include <vole.h>

static int waits(void *unused)
{
	(void)unused;
	return chan_recv(chan_of(int, 0), (int *)NULL);
}

static void with_deadline(void *unused)
{
	struct group group;

	(void)unused;
	group_init(&group, time_now() + 60 * NSEC_PER_SEC);
	group_go(&group, waits, NULL);
	group_wait(&group);
}

static void cancels(void *group)
{
	time_sleep(60 * NSEC_PER_SEC);
	group_cancel(group, -1);
}

static void with_canceller(void *unused)
{
	struct group *group = malloc(sizeof *group);

	(void)unused;
	group_init(group, TIME_NEVER);
	group_go(group, waits, NULL);
	go(cancels, group);
	group_wait(group);
}

static void with_ticker(void *unused)
{
	struct ticker ticker;

	(void)unused;
	ticker_start(&ticker, 60 * NSEC_PER_SEC);
	chan_recv(ticker.chan, (uint64_t *)NULL);
}

static void after_a_while(void *unused)
{
	(void)unused;
	chan_recv(time_after(60 * NSEC_PER_SEC), (uint64_t *)NULL);
}

static void closes(void *c)
{
	chan_close(c);
}

static void told_by_timer(void *unused)
{
	struct timer *timer = calloc(1, sizeof *timer);
	struct chan *c = chan_of(int, 0);

	(void)unused;
	timer_start(timer, time_now() + 60 * NSEC_PER_SEC, 0, closes, c);
	chan_recv(c, (int *)NULL);
}

int main(void)
{
	go(with_deadline, NULL);
	go(with_canceller, NULL);
	go(with_ticker, NULL);
	go(after_a_while, NULL);
	go(told_by_timer, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
