// What the peers share: see bench/bench.h.
#ifndef PEERS_H
#define PEERS_H

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

static inline double now()
{
	return std::chrono::duration<double, std::nano>(
		       std::chrono::steady_clock::now().time_since_epoch())
		.count();
}

static inline void report(double value, const char *unit, const std::string &name)
{
	std::printf("%s %.6g %s\n", name.c_str(), value, unit);
}

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	std::fprintf(stderr, "wrong: %s\n", what);
	std::exit(1);
}

using programs = std::map<std::string, std::function<void(const std::string &mode)>>;

static inline int run_program(const programs &all, int argc, char **argv)
{
	auto program = all.find(argc > 1 ? argv[1] : "");

	must(program != all.end(), "the program is known");
	program->second(argc > 2 ? argv[2] : "");
	return 0;
}

#endif
