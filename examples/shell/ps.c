/* ps: a table of the coroutines. */
#include <stdlib.h>
#include <string.h>

#include "shell.h"

static void show_coroutine(const struct runtime_co *co)
{
	bool waits = strcmp(co->state, "waiting") == 0;
	char core[16];

	snprintf(core, sizeof core, "%d%s%s", co->core, co->pinned ? "p" : "",
		 co->urgent ? "u" : "");
	if (co->core < 0)
		core[0] = '\0'; /* it has not run yet */
	printf("%6" PRIu64 " %-16.16s %-9.9s %-14.14s", co->id, co->name, co->state,
	       waits ? co->reason : "");
	printf(" %8s %-4s", waits && co->waiting_ns ? show_time(co->waiting_ns).s : "", core);
	/* Not known of one that runs just now on another core. */
	printf(" %7s", co->stack_used ? show_bytes(co->stack_used).s : "");
	printf(" %8s\n", show_bytes(co->stack_high).s);
}

void ps(int argc, char **argv)
{
	struct runtime_stats stats;
	struct runtime_co *list;
	uint64_t most = 40;
	int count, room, shown;
	bool marks = false;

	if (!take_number(argc, argv, 1, 10000000, &most))
		return;
	room = (int)most;
	list = malloc(room * sizeof *list);
	if (!list) {
		printf("ps: out of memory\n");
		return;
	}
	count = runtime_list(list, room);
	shown = count < room ? count : room;
	printf("    ID NAME             STATE     WAITS FOR           FOR CORE   STACK  HIGHEST\n");
	for (int i = 0; i < shown; i++) {
		show_coroutine(&list[i]);
		marks = marks || list[i].pinned || list[i].urgent;
	}
	free(list);
	if (count > shown)
		printf("%d more: ps %d shows them\n", count - shown, count);
	if (marks)
		printf("p: pinned to this core, u: urgent\n");
	runtime_stats(&stats);
	printf("%zu coroutine%s; %s of stacks, ", stats.live, stats.live == 1 ? "" : "s",
	       show_bytes(stats.stack_bytes).s);
	printf("%s of heap, %s free\n", show_bytes(stats.heap_bytes).s,
	       show_bytes(stats.free_bytes).s);
}
