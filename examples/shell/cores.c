/* cores: what each core has done since the command was last given. */
#include <stdlib.h>

#include "shell.h"

static void show_core(int core, const struct runtime_core_stats *now,
		      const struct runtime_core_stats *before, uint64_t elapsed)
{
	uint64_t idle = now->idle_ns - before->idle_ns;
	uint64_t busy = idle < elapsed ? elapsed - idle : 0;

	printf("%4d %4d%% %s", core, (int)(busy * 100 / elapsed), show_bar(busy, elapsed, 20).s);
	printf(" %11s", show_number(now->switches - before->switches).s);
	printf(" %8s", show_number(now->steals - before->steals).s);
	printf(" %9s", show_number(now->preemptions - before->preemptions).s);
	printf(" %9s\n", show_number(now->wakeups - before->wakeups).s);
}

void core_table(int argc, char **argv)
{
	static struct runtime_core_stats *last;
	static uint64_t last_time;
	int cores = runtime_cores();
	struct runtime_core_stats now;
	uint64_t elapsed;

	(void)argc;
	if (!last)
		last = calloc(cores, sizeof *last);
	if (!last) {
		printf("%s: out of memory\n", argv[0]);
		return;
	}
	elapsed = time_now() - last_time;
	printf("Since %s, %s ago:\n", last_time ? "the last time" : "power-on",
	       show_time(elapsed).s);
	printf("core  busy                           switches   steals preempted   wakeups\n");
	for (int core = 0; core < cores; core++) {
		runtime_core_stats(core, &now);
		show_core(core, &now, &last[core], elapsed);
		last[core] = now;
	}
	last_time += elapsed;
}
