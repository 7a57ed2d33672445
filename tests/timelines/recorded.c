/* Something of everything that a timeline shows; then it ends as the first argument says: end, panic, loop. */
#include <stdio.h>
#include <string.h>
#include <vole.h>

enum { VALUES = 20 };

static struct chan *plain, *buffered, *results;

/* How many wait for that. */
static int count_waiting(const char *reason)
{
	struct runtime_co all[20];
	int n = runtime_list(all, sizeof all / sizeof *all), waiting = 0;

	for (int i = 0; i < n; i++)
		waiting += !strcmp(all[i].reason, reason);
	return waiting;
}

/* It takes nothing until main waits to send: on another core it could always be there before main. */
static void relay(void *arg)
{
	int value;

	(void)arg;
	while (!count_waiting("chan send"))
		go_yield();
	while (chan_recv(plain, &value) == 0)
		chan_send(buffered, &value);
	chan_close(buffered);
}

static void collect(void *arg)
{
	int value, sum = 0;

	(void)arg;
	trace_begin("collecting");
	while (chan_recv(buffered, &value) == 0) {
		sum += value;
		trace_count("sum", sum);
	}
	trace_end();
	chan_send(results, &sum);
}

static _Atomic int begun;

/* More than there are cores: each is preempted for others until all have begun. */
static void spin(void *all)
{
	begun++;
	while (begun < *(int *)all)
		;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "end";
	int sum, spinners = 2 * runtime_cores();

	plain = chan_of(int, 0);
	buffered = chan_of(int, 4);
	results = chan_of(int, 0);
	trace_start(); /* it nests, and TRACE= records all the same */
	trace_stop();
	trace_stop();
	go_with(&(struct go_options){.name = "the relay station, of long name"}, relay, NULL);
	go(collect, NULL);
	for (int i = 1; i <= VALUES; i++) {
		chan_send(plain, &i);
		if (i % 5)
			continue;
		do /* until both have taken what came */
			time_sleep(NSEC_PER_MSEC);
		while (count_waiting("chan receive") < 2);
	}
	chan_close(plain);
	chan_recv(results, &sum);
	trace_mark("have the sum");
	chan_send(chan_of(int, 1), &sum); /* nobody receives it */

	struct waitgroup wg = {0};

	for (int i = 0; i < spinners; i++)
		waitgroup_go(&wg, spin, &spinners);
	waitgroup_wait(&wg);
	printf("sum %d\n", sum);
	fflush(stdout);
	if (!strcmp(how, "panic"))
		runtime_panic("as asked");
	while (!strcmp(how, "loop"))
		time_sleep(10 * NSEC_PER_MSEC);
	return 7;
}
