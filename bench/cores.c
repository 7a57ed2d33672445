/*
 * cores.c MODE: what two cores do together.
 *	roundtrip  a value there and back over channels without a buffer; ns. The scheduler may have
 *	           both on one core
 *	pinned     the same, each on a core of its own; ns
 *	channel    four send, four receive, one channel with a buffer of 128; ns for each value
 *	mutex      two coroutines, one on each core, want the same mutex; ns for each time locked
 *	wake       from a send on one core until the receiver runs on the other, which was idle; us
 *	scale      how much more independent work two do than one
 */
#include <string.h>

#include "hogs.h"

enum { ENDS = 4, PAIRS = 32 };

static struct chan *there, *back;

static void start_on(int core, struct waitgroup *wg, go_fn *fn, void *arg)
{
	struct go_options on = {.core = 1 + core};

	waitgroup_add(wg, 1);
	must(go_with(&on, fn, arg) == 0, "a coroutine starts");
}

/* ---- roundtrip ---- */

static void echo(void *arg)
{
	long value;

	while (chan_recv(there, &value) == 0)
		chan_send(back, &value);
	waitgroup_done(arg);
}

static void there_and_back(long n, bool pinned)
{
	struct waitgroup wg = {0};
	long value, sum = 0;

	there = chan_of(long, 0);
	back = chan_of(long, 0);
	must(there && back && (!pinned || go_pin(0) == 0), "channels, and a core");
	if (pinned) {
		start_on(1, &wg, echo, &wg);
	} else {
		waitgroup_add(&wg, 1);
		must(go(echo, &wg) == 0, "a coroutine starts");
	}
	for (long i = 0; i < n; i++) {
		chan_send(there, &i);
		chan_recv(back, &value);
		sum += value;
	}
	chan_close(there);
	waitgroup_wait(&wg);
	must(sum == n * (n - 1) / 2, "what comes back");
}

static void roundtrip(long n)
{
	there_and_back(n, false);
}

static void pinned(long n)
{
	there_and_back(n, true);
}

/* ---- channel ---- */

static atomic_long received;

static void produce(void *arg)
{
	long n = *(long *)arg;

	for (long i = 0; i < n; i++)
		chan_send(there, &i);
}

static void consume(void *arg)
{
	long value, sum = 0;

	(void)arg;
	while (chan_recv(there, &value) == 0)
		sum += value;
	atomic_fetch_add(&received, sum);
}

static void channel(long n)
{
	struct waitgroup producers = {0}, consumers = {0};
	long each = n / ENDS;

	received = 0;
	there = chan_of(long, 128);
	must(there, "a channel");
	for (int i = 0; i < ENDS; i++) {
		waitgroup_go(&producers, produce, &each);
		waitgroup_go(&consumers, consume, NULL);
	}
	waitgroup_wait(&producers);
	chan_close(there);
	waitgroup_wait(&consumers);
	must(received == ENDS * (each * (each - 1) / 2), "what arrives");
	chan_free(there);
}

/* ---- mutex ---- */

static struct mutex mutex;
static long count;

struct locker {
	struct waitgroup *wg;
	long n;
};

static void lock_often(void *arg)
{
	struct locker *l = arg;

	for (long i = 0; i < l->n; i++) {
		mutex_lock(&mutex);
		count++;
		mutex_unlock(&mutex);
	}
	waitgroup_done(l->wg);
}

static void contend(long n)
{
	struct waitgroup wg = {0};
	struct locker l = {&wg, n / 2};

	count = 0;
	start_on(0, &wg, lock_often, &l);
	start_on(1, &wg, lock_often, &l);
	waitgroup_wait(&wg);
	must(count == l.n * 2, "the count");
}

/* ---- wake ---- */

enum { WAKES = 3000 };

static double delay[WAKES];

static void note_delay(void *arg)
{
	uint64_t sent;

	for (long i = 0; chan_recv(there, &sent) == 0; i++)
		delay[i] = (double)(time_now() - sent) / 1e3;
	waitgroup_done(arg);
}

static void wake(long n)
{
	struct waitgroup wg = {0};

	there = chan_of(uint64_t, 1);
	must(there && go_pin(0) == 0, "a channel, and a core");
	start_on(1, &wg, note_delay, &wg);
	for (long i = 0; i < n; i++) {
		uint64_t sent = time_now() + 200 * NSEC_PER_USEC;

		while (time_now() < sent)
			;
		sent = time_now();
		chan_send(there, &sent);
	}
	chan_close(there);
	waitgroup_wait(&wg);
	report(percentile(delay, n, 0.5), "us", "cores-wake");
	report(percentile(delay, n, 0.99), "us", "cores-wake-p99");
}

/* ---- scale ---- */

struct pair {
	struct chan *there, *back;
	long n;
};

static void answer(void *arg)
{
	struct pair *p = arg;
	long value;

	while (chan_recv(p->there, &value) == 0)
		chan_send(p->back, &value);
	chan_free(p->there);
	chan_free(p->back);
}

static void ask(void *arg)
{
	struct pair p = {chan_of(long, 0), chan_of(long, 0), *(long *)arg};
	long value, sum = 0;

	must(p.there && p.back && go_copy(answer, &p, sizeof p) == 0, "a coroutine starts");
	for (long i = 0; i < p.n; i++) {
		chan_send(p.there, &i);
		chan_recv(p.back, &value);
		sum += value;
	}
	must(sum == p.n * (p.n - 1) / 2, "what comes back");
	chan_close(p.there);
}

static uint64_t independent(int procs, long n)
{
	struct waitgroup wg = {0};
	uint64_t start;
	long each = n / PAIRS;

	runtime_procs(procs);
	start = time_now();
	for (int i = 0; i < PAIRS; i++)
		waitgroup_go(&wg, ask, &each);
	waitgroup_wait(&wg);
	return time_now() - start;
}

static void scale(long n)
{
	uint64_t two = independent(2, n), one = independent(1, n);

	report((double)one / (double)two, "x", "cores-scale");
}

int main(int argc, char **argv)
{
	static const struct mode {
		const char *name;
		void (*run)(long n);
		long n;
	} modes[] = {{"roundtrip", roundtrip, 200000},
		     {"pinned", pinned, 50000},
		     {"channel", channel, 2000000},
		     {"mutex", contend, 4000000},
		     {"wake", wake, WAKES},
		     {"scale", scale, 4000000}};
	const struct mode *m = modes, *end = modes + sizeof modes / sizeof *modes;

	while (m < end && argc > 1 && strcmp(m->name, argv[1]))
		m++;
	must(m < end, "the mode is known");
	must(runtime_cores() >= 2, "there are two cores");
	if (m->run == scale || m->run == wake) {
		m->run(m->n);
		return 0;
	}
	m->run(m->n / 10);

	uint64_t start = time_now();

	m->run(m->n);
	start = time_now() - start;
	report((double)start / (double)m->n, "ns", "cores-%s", m->name);
	return 0;
}
