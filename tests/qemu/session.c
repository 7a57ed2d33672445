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

/* Waits until all hogs run, or have run, and the sender waits. */
static void until_begun(void)
{
	struct runtime_co all[20];
	bool waits = false;

	while (begun < HOGS || !waits) {
		int n;

		time_sleep(NSEC_PER_MSEC * 10);
		n = runtime_list(all, sizeof all / sizeof *all);
		for (int i = 0; i < n; i++)
			waits |= !strcmp(all[i].reason, "chan send");
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
