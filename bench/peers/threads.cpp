// Linux threads, doing what the programs of Vole do; see bench/PROGRAM.c for what is measured.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <climits>
#include <fstream>
#include <vector>

#include "peers.h"

/* With a stack as small as they may have: the kernel gives memory only to what is touched. */
static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
	must(pthread_create(&thread, &small, fn, arg) == 0, "a thread starts");
	pthread_attr_destroy(&small);
	return thread;
}

static void join(const std::vector<pthread_t> &threads)
{
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
}

/* ---- yield N ---- */

static std::atomic<long> started, yields, limit{LONG_MAX};

static void *yield_until_limit(void *)
{
	started++;
	while (yields < limit) {
		sched_yield();
		yields++;
	}
	return nullptr;
}

static void yield(const std::string &mode)
{
	const long switches = 300000, n = std::stol(mode);
	std::vector<pthread_t> others;

	for (long i = 1; i < n; i++)
		others.push_back(start(yield_until_limit, nullptr));
	while (started < n - 1 || yields < switches / 10) {
		sched_yield();
		yields++;
	}
	limit = yields + switches;

	double begun = now();

	yield_until_limit(nullptr);
	begun = now() - begun;
	join(others);
	report(begun / switches, "ns", "yield-" + mode);
}

/* ---- spawn N ---- */

static std::atomic<long> count;

static void *work(void *)
{
	count++;
	return nullptr;
}

static void spawn_rounds(long n, long rounds)
{
	std::vector<pthread_t> running(n);

	for (long i = 0; i < rounds; i++) {
		for (auto &one : running)
			one = start(work, nullptr);
		join(running);
	}
}

static void spawn(const std::string &mode)
{
	const long n = std::stol(mode), rounds = 20000 / n;

	spawn_rounds(n, rounds / 10);

	double begun = now();

	spawn_rounds(n, rounds);
	begun = now() - begun;
	must(count == n * (rounds + rounds / 10), "every thread ran");
	report(begun / (n * rounds), "ns", "spawn-" + mode);
}

/* ---- channel roundtrip, and cores roundtrip: where the threads run is all the difference ---- */

struct slot {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	long value = -1;
};

static slot there, back;

static void put(slot &s, long value)
{
	pthread_mutex_lock(&s.lock);
	s.value = value;
	pthread_cond_signal(&s.changed);
	pthread_mutex_unlock(&s.lock);
}

static long take(slot &s)
{
	pthread_mutex_lock(&s.lock);
	while (s.value < 0)
		pthread_cond_wait(&s.changed, &s.lock);

	long value = s.value;

	s.value = -1;
	pthread_mutex_unlock(&s.lock);
	return value;
}

static void *echo(void *)
{
	for (;;)
		put(back, take(there));
	return nullptr;
}

static void roundtrips(long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++) {
		put(there, i);
		sum += take(back);
	}
	must(sum == n * (n - 1) / 2, "what comes back");
}

static void roundtrip(const std::string &program)
{
	const long n = 100000;

	pthread_detach(start(echo, nullptr));
	roundtrips(n / 10);

	double begun = now();

	roundtrips(n);
	begun = now() - begun;
	report(begun / n, "ns", program + "-roundtrip");
}

/* ---- mutex, and cores mutex ---- */

static pthread_mutex_t one_lock = PTHREAD_MUTEX_INITIALIZER;
static long locked;

static void *lock_often(void *times)
{
	for (long i = 0; i < *static_cast<long *>(times); i++) {
		pthread_mutex_lock(&one_lock);
		locked++;
		pthread_mutex_unlock(&one_lock);
	}
	return nullptr;
}

/* n times in all. */
static void mutex(long threads, const std::string &name)
{
	long n = 4000000, each = n / threads;
	std::vector<pthread_t> others;

	lock_often(&each);
	locked = 0;

	double begun = now();

	for (long i = 1; i < threads; i++)
		others.push_back(start(lock_often, &each));
	lock_often(&each);
	join(others);
	begun = now() - begun;
	must(locked == n, "the count");
	report(begun / n, "ns", name);
}

static void uncontended(const std::string &)
{
	/* Where there is only one thread, the C library leaves the atomic instructions out. */
	pthread_detach(start(echo, nullptr));
	mutex(1, "mutex");
}

/* ---- million, of which Linux does not allow so many ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *)
{
	started++;
	pthread_mutex_lock(&gate);
	locked++;
	pthread_mutex_unlock(&gate);
	return nullptr;
}

/* Of the process and of what Linux keeps for it, in bytes. */
static double memory()
{
	std::ifstream process("/proc/self/status"), machine("/proc/meminfo");
	std::string word;
	double bytes = 0, kilobytes;

	while (process >> word)
		if (word == "VmRSS:" || word == "VmPTE:")
			process >> kilobytes, bytes += kilobytes * 1024;
	while (machine >> word)
		if (word == "KernelStack:" || word == "SUnreclaim:")
			machine >> kilobytes, bytes += kilobytes * 1024;
	return bytes;
}

static void million(const std::string &)
{
	const long n = 10000;
	std::vector<pthread_t> threads;
	double before = memory(), begun = now();

	pthread_mutex_lock(&gate);
	for (long i = 0; i < n; i++)
		threads.push_back(start(wait_at_gate, nullptr));
	while (started < n)
		sched_yield();
	report((now() - begun) / n, "ns", "memory-create");
	report((memory() - before) / n, "B", "memory");
	begun = now();
	pthread_mutex_unlock(&gate);
	join(threads);
	must(locked == n, "all came back");
	report((now() - begun) / n, "ns", "memory-wake");
}

int main(int argc, char **argv)
{
	const programs all = {{"yield", yield},
			      {"spawn", spawn},
			      {"channel", [](const std::string &) { roundtrip("channel"); }},
			      {"mutex", uncontended},
			      {"million", million},
			      {"cores", [](const std::string &mode) {
				       mode == "mutex" ? mutex(2, "cores-mutex")
						       : roundtrip("cores");
			       }}};

	return run_program(all, argc, argv);
}
