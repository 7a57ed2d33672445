/* For debugger.py: coroutines that wait, run and are preempted, when gdb looks at them. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vole.h>

enum { HOGS = 3 };

static struct mutex m;
static struct chan *full;
static struct group group;
static struct timer timer;
static struct ticker ticker;
static struct event event;
static struct once once;
static volatile bool stop;
static _Atomic int begun;

static void nothing(void *arg)
{
	(void)arg;
}

static void hog(void *arg)
{
	volatile uint64_t hog_turns = (uint64_t)(uintptr_t)arg * 1000000000000;

	begun++;
	while (!stop)
		hog_turns++;
}

static void sender(void *arg)
{
	int value = 3;

	(void)arg;
	chan_send(full, &value);
}

static void listener(void *arg)
{
	(void)arg;
	event_wait(&event);
}

static int member(void *arg)
{
	(void)arg;
	return time_sleep(NSEC_PER_SEC * 1000);
}

static void holder(void *arg)
{
	(void)arg;
	while (!stop) {
		mutex_lock(&m);
		time_sleep(NSEC_PER_MSEC * 5);
		mutex_unlock(&m);
		time_sleep(NSEC_PER_MSEC);
	}
}

/* Others come by here meanwhile, too. */
static __attribute__((noinline)) void meet(void)
{
	mutex_lock(&m);
	mutex_unlock(&m);
}

static void beside(void *arg)
{
	(void)arg;
	while (!stop) {
		meet();
		go_yield();
	}
}

/* Waits until all hogs run, or have run, and the sender and the listener wait. */
static void until_begun(void)
{
	struct runtime_co all[20];
	int waiting = 0;

	while (begun < HOGS || waiting < 2) {
		int n;

		time_sleep(NSEC_PER_MSEC * 10);
		n = runtime_list(all, sizeof all / sizeof *all);
		waiting = 0;
		for (int i = 0; i < n; i++)
			waiting += !strcmp(all[i].reason, "chan send") ||
				   !strcmp(all[i].reason, "event wait");
	}
}

/* With an argument it does not wait to be stopped. */
int main(int argc, char **argv)
{
	int value = 0;

	full = chan_make(sizeof(value), 2);
	chan_send(full, &value);
	chan_send(full, &value);
	group_init(&group, TIME_NEVER);
	group_go(&group, member, NULL);
	timer_start(&timer, time_now() + NSEC_PER_SEC * 900, 0, nothing, NULL);
	ticker_start(&ticker, NSEC_PER_SEC * 800);
	once_do(&once, nothing, NULL);
	go(listener, NULL);
	go(sender, NULL);
	go(holder, NULL);
	go(beside, NULL);
	for (uintptr_t i = 1; i <= HOGS; i++)
		go(hog, (void *)i);
	until_begun();
	meet();  /* before: the breakpoint; it waits */
	value++; /* after: there */
	value++; /* later: and on */
	(void)argv;
	if (argc == 1)
		time_sleep(NSEC_PER_SEC * (uint64_t)(1000 + value));
	runtime_panic("the end");
}
