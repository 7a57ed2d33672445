// boost.context: switching between two contexts, without a scheduler.
#include <boost/context/continuation.hpp>

#include "peers.h"

namespace context = boost::context;

static void yield(const std::string &mode)
{
	const long switches = 3000000;
	long count = 0;
	context::continuation other = context::callcc([&](context::continuation &&caller) {
		for (;;) {
			caller = caller.resume();
			count++;
		}
		return std::move(caller);
	});
	auto run = [&](long n) {
		for (long i = 0; i < n; i += 2)
			other = other.resume();
	};

	must(mode == "2", "there are two contexts");
	run(switches / 10);
	count = 0;

	double begun = now();

	run(switches);
	begun = now() - begun;
	must(count == switches / 2, "the other one ran");
	report(begun / switches, "ns", "yield-2");
}

int main(int argc, char **argv)
{
	return run_program({{"yield", yield}}, argc, argv);
}
