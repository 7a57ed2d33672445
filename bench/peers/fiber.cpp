// boost.fiber, doing what the programs of Vole do; see bench/PROGRAM.c for what is measured.
#include <boost/fiber/all.hpp>

#include <climits>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "peers.h"

namespace fibers = boost::fibers;

static fibers::pooled_fixedsize_stack stacks(16 * 1024);

template <typename Fn> static fibers::fiber start(Fn fn)
{
	return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks, fn);
}

/* ---- yield N ---- */

static long started, yields, limit;

static void yield_until_limit()
{
	while (yields < limit) {
		boost::this_fiber::yield();
		yields++;
	}
}

static void yield(const std::string &mode)
{
	const long switches = 3000000, n = std::stol(mode);
	std::vector<fibers::fiber> others;

	limit = LONG_MAX;
	for (long i = 1; i < n; i++)
		others.push_back(start([] { started++, yield_until_limit(); }));
	while (started < n - 1 || yields < switches / 10) {
		boost::this_fiber::yield();
		yields++;
	}
	limit = yields + switches;

	double begun = now();

	yield_until_limit();
	begun = now() - begun;
	for (auto &other : others)
		other.join();
	report(begun / switches, "ns", "yield-" + mode);
}

/* ---- spawn N ---- */

static void spawn(const std::string &mode)
{
	const long n = std::stol(mode), rounds = 1000000 / n;
	std::vector<fibers::fiber> running(n);
	long count = 0;
	auto run = [&](long times) {
		for (long i = 0; i < times; i++) {
			for (auto &one : running)
				one = start([&] { count++; });
			for (auto &one : running)
				one.join();
		}
	};

	run(rounds / 10);

	double begun = now();

	run(rounds);
	begun = now() - begun;
	must(count == n * (rounds + rounds / 10), "every fiber ran");
	report(begun / (n * rounds), "ns", "spawn-" + mode);
}

/* ---- channel MODE ---- */

template <typename Channel> static void stream(Channel &channel, long n)
{
	long sum = 0;
	auto producer = start([&] {
		for (long i = 0; i < n; i++)
			channel.push(i);
	});

	for (long i = 0; i < n; i++)
		sum += channel.value_pop();
	producer.join();
	must(sum == n * (n - 1) / 2, "what arrives");
}

static void roundtrip(long n)
{
	fibers::unbuffered_channel<long> there, back;
	long sum = 0;
	auto echo = start([&] {
		for (long i = 0; i < n; i++)
			back.push(there.value_pop());
	});

	for (long i = 0; i < n; i++) {
		there.push(i);
		sum += back.value_pop();
	}
	echo.join();
	must(sum == n * (n - 1) / 2, "what comes back");
}

static void channel(const std::string &mode)
{
	fibers::unbuffered_channel<long> plain;
	fibers::buffered_channel<long> buffered(128);
	const std::map<std::string, std::function<void(long)>> modes = {
		{"roundtrip", roundtrip},
		{"stream", [&](long n) { stream(plain, n); }},
		{"buffered", [&](long n) { stream(buffered, n); }},
		{"self",
		 [&](long n) {
			 long sum = 0;

			 for (long i = 0; i < n; i++) {
				 buffered.push(i);
				 sum += buffered.value_pop();
			 }
			 must(sum == n * (n - 1) / 2, "what was sent");
		 }},
	};
	const long n = 1000000;
	auto run = modes.at(mode);

	run(n / 10);

	double begun = now();

	run(n);
	begun = now() - begun;
	report(begun / n, "ns", "channel-" + mode);
}

/* ---- mutex ---- */

static void mutex(const std::string &)
{
	const long n = 10000000;
	fibers::mutex m;
	long count = 0;
	auto run = [&](long times) {
		for (long i = 0; i < times; i++) {
			m.lock();
			count++;
			m.unlock();
		}
	};

	run(n / 10);

	double begun = now();

	run(n);
	begun = now() - begun;
	must(count == n + n / 10, "the count");
	report(begun / n, "ns", "mutex");
}

int main(int argc, char **argv)
{
	const programs all = {{"yield", yield},
			      {"spawn", spawn},
			      {"channel", channel},
			      {"mutex", mutex}};

	return run_program(all, argc, argv);
}
