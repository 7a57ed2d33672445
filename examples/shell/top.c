/* top: what each core was busy with in the last second, and which coroutines used most of that time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

enum { CORES_SHOWN = 16, COROUTINES_SHOWN = 15 };

/* Of one core's time, in tenths of a percent. */
static int share(uint64_t ns, uint64_t elapsed)
{
	return (int)(ns * 1000 / elapsed);
}

static void show_cores(const uint64_t *idle_before, uint64_t elapsed)
{
	int cores = runtime_cores();

	printf("core  busy\n");
	for (int core = 0; core < cores && core < CORES_SHOWN; core++) {
		struct runtime_core_stats now;
		uint64_t idle;

		runtime_core_stats(core, &now);
		idle = now.idle_ns - idle_before[core];
		if (idle > elapsed)
			idle = elapsed;
		printf("%4d %4d%% %s %zu queued\n", core, 100 - share(idle, elapsed) / 10,
		       show_bar(elapsed - idle, elapsed, 40).s, now.queue);
	}
	if (cores > CORES_SHOWN)
		printf("%d more: cores shows them\n", cores - CORES_SHOWN);
}

static void show_coroutines(const struct runtime_co *list, int count, uint64_t elapsed)
{
	int shown = count < COROUTINES_SHOWN ? count : COROUTINES_SHOWN;
	struct runtime_stats stats;

	printf("    ID NAME             STATE     WAITS FOR      CORE     TIME  SHARE\n");
	for (const struct runtime_co *co = list; co < list + shown; co++) {
		int part = share(co->cpu_ns, elapsed);

		printf("%6" PRIu64 " %-16.16s %-9.9s %-14.14s %4d %8s %4d.%d%%\n", co->id, co->name,
		       co->state, co->reason, co->core, show_time(co->cpu_ns).s, part / 10,
		       part % 10);
	}
	if (count > shown)
		printf("%d more have run\n", count - shown);
	runtime_stats(&stats);
	printf("%zu coroutine%s, %zu wait; %s free\n", stats.live, stats.live == 1 ? "" : "s",
	       stats.parked, show_bytes(stats.free_bytes).s);
}

static bool show_second(struct runtime_co *list)
{
	uint64_t idle[CORES_SHOWN], began = time_now(), elapsed;
	struct runtime_core_stats stats;
	int count;

	for (int core = 0; core < CORES_SHOWN; core++)
		if (runtime_core_stats(core, &stats) == 0)
			idle[core] = stats.idle_ns;
	count = runtime_busiest(list, COROUTINES_SHOWN, NSEC_PER_SEC);
	elapsed = time_now() - began;
	if (count < 0) {
		printf("top: %s\n", count == -ENOMEM  ? "out of memory"
				    : count == -EBUSY ? "a core does not stop"
						      : strerror(-count));
		return false;
	}
	show_cores(idle, elapsed);
	show_coroutines(list, count, elapsed);
	return true;
}

void top(int argc, char **argv)
{
	struct runtime_co *list;
	uint64_t seconds = 1;

	if (!take_number(argc, argv, 1, 1000000, &seconds))
		return;
	list = calloc(COROUTINES_SHOWN, sizeof *list);
	if (!list) {
		printf("top: out of memory\n");
		return;
	}
	while (seconds-- && show_second(list))
		if (seconds)
			printf("\n");
	free(list);
}
