/* Prints the instructions of each operation: bench/counts.py boots it so that they can be read. */
#include <inttypes.h>
#include <stdio.h>

#include "count.h"

/* So many that the clock's step (16 ns on ARM64) and a stray timer interrupt do not show. */
enum { TIMES = 16384 };
enum { INTERRUPTIONS = 1024 };

static const struct {
	const char *name;
	uint64_t (*run)(int n);
	int n;
} operations[] = {
	{"switch", count_switch, TIMES},
	{"yield", count_yield, TIMES},
	{"spawn", count_spawn, TIMES},
	{"send", count_send, TIMES},
	{"receive", count_receive, TIMES},
	{"round-trip", count_round_trip, TIMES},
	{"select-ready", count_select_ready, TIMES},
	{"select-blocking", count_select_blocking, TIMES},
	{"lock", count_lock, TIMES},
	{"timer", count_timer, TIMES},
	{"preemption", count_preemption, INTERRUPTIONS},
	{"interrupt", count_interrupt, INTERRUPTIONS},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		int n = operations[i].n;

		operations[i].run(n); /* caches and pools fill */
		printf("%s %" PRIu64 "\n", operations[i].name,
		       (operations[i].run(n) + (uint64_t)n / 2) / (uint64_t)n);
	}
	return 0;
}
