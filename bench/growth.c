/*
 * growth.c N...: what one operation takes while N others are there, in ns. Nothing in the kernel is searched, so
 * what grows is what the processor's caches do not hold.
 *	runnable  a yield, where N are runnable
 *	parked    a coroutine is made, waits, is woken and ends, while N others wait
 *	sleeping  a receive whose deadline is far is served, while N others sleep
 *	waiters   a send to a channel at which N wait: the first of them is woken, and waits again
 *	members   a coroutine joins a group of N, and ends
 * Without an argument: 1,000, 100,000 and 1,000,000.
 */
#include "bench.h"

enum { OPERATIONS = 400000 };

static struct chan *gate, *work;
static struct waitgroup there;
static bool stop;

static void begin(go_fn *fn, long n)
{
	gate = chan_of(long, 0);
	work = chan_of(long, 0);
	must(gate && work, "channels");
	stop = false;
	for (long i = 0; i < n; i++)
		must(waitgroup_go(&there, fn, NULL) == 0, "a coroutine starts");
	for (int i = 0; i < 3; i++)
		go_yield();
}

static void end(void)
{
	stop = true;
	chan_close(gate);
	chan_close(work);
	waitgroup_wait(&there);
	chan_free(gate);
	chan_free(work);
}

static void wait_at_gate(void *arg)
{
	(void)arg;
	chan_recv(gate, &(long){0});
}

static void yield_on(void *arg)
{
	(void)arg;
	while (!stop)
		go_yield();
}

static void runnable(long n)
{
	static long left;

	(void)n;
	for (left = OPERATIONS / (n + 1) + 1; left; left--)
		go_yield();
}

static void receive_once(void *arg)
{
	chan_recv(work, arg);
}

static void parked(long n)
{
	static long value;

	(void)n;
	for (long i = 0; i < OPERATIONS; i++) {
		must(go(receive_once, &value) == 0, "a coroutine starts");
		chan_send(work, &i);
	}
}

static void sleep_on(void *arg)
{
	(void)arg;
	chan_recv_until(gate, &(long){0}, time_now() + 3600 * NSEC_PER_SEC);
}

static void send_often(void *arg)
{
	(void)arg;
	for (long i = 0; i < OPERATIONS; i++)
		chan_send(work, &i);
}

static void sleeping(long n)
{
	long value;

	(void)n;
	must(waitgroup_go(&there, send_often, NULL) == 0, "a coroutine starts");
	for (long i = 0; i < OPERATIONS; i++)
		must(!chan_recv_until(work, &value, time_now() + NSEC_PER_SEC), "a value");
}

static void receive_on(void *arg)
{
	(void)arg;
	while (!chan_recv(work, &(long){0}))
		;
}

static void waiters(long n)
{
	(void)n;
	for (long i = 0; i < OPERATIONS; i++)
		chan_send(work, &i);
}

static int ends(void *arg)
{
	(void)arg;
	return 0;
}

static int member(void *arg)
{
	wait_at_gate(arg);
	return 0;
}

static struct group group;

static void start_members(void *arg)
{
	(void)arg;
	must(group_go(&group, member, NULL) == 0, "a member starts");
}

static void members(long n)
{
	(void)n;
	for (long i = 0; i < OPERATIONS; i++) {
		must(group_go(&group, ends, NULL) == 0, "a member starts");
		go_yield();
	}
}

static const struct structure {
	const char *name;
	go_fn *others;
	void (*operate)(long n);
} structures[] = {{"runnable", yield_on, runnable},
		  {"parked", wait_at_gate, parked},
		  {"sleeping", sleep_on, sleeping},
		  {"waiters", receive_on, waiters},
		  {"members", start_members, members}};

static void measure(const struct structure *s, long n)
{
	uint64_t start;
	double done = OPERATIONS;

	group_init(&group, TIME_NEVER);
	begin(s->others, n);
	s->operate(n); /* once to warm up */
	start = time_now();
	s->operate(n);
	start = time_now() - start;
	if (s->operate == runnable)
		done = (double)(OPERATIONS / (n + 1) + 1) * (double)(n + 1);
	end();
	group_wait(&group);
	report((double)start / done, "ns", "growth-%s-%ld", s->name, n);
}

int main(int argc, char **argv)
{
	static const long usual[] = {1000, 100000, 1000000};

	for (size_t i = 0; i < sizeof structures / sizeof *structures; i++)
		if (argc > 1)
			for (int j = 1; j < argc; j++)
				measure(&structures[i], number(argc, argv, j, 1));
		else
			for (size_t j = 0; j < sizeof usual / sizeof *usual; j++)
				measure(&structures[i], usual[j]);
	return 0;
}
