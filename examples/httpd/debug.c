/*
 * /debug shows what the machine does, in figures; the page asks for /debug.json each second, and so may curl. An answer
 * looks at the machine for LOOK; who asks while another's look is young gets that. The kernel records events from the
 * first question on, until nobody has asked for KEEP_ON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd.h"

enum { CORES_SHOWN = 64, COROUTINES_SHOWN = 12, EVENTS_SHOWN = 30 };
#define LOOK    (500 * NSEC_PER_MSEC)
#define KEEP_ON (4 * NSEC_PER_SEC)

static struct mutex lock; /* guards what follows */
static struct text last;  /* the last answer */
static uint64_t made, asked;
static bool records; /* the kernel does, for us */

/* ---- Events ---- */

static void recorder(void *unused)
{
	bool wanted = true;

	(void)unused;
	while (wanted) {
		uint64_t end;

		mutex_lock(&lock);
		end = asked + KEEP_ON;
		wanted = time_now() < end;
		if (!wanted) {
			trace_stop();
			records = false;
		}
		mutex_unlock(&lock);
		if (wanted)
			time_sleep_until(end);
	}
}

static void record(void)
{
	asked = time_now();
	if (records || go(recorder, NULL))
		return;
	trace_start();
	records = true;
}

static void add_events(struct text *t)
{
	char *lines = NULL, *line, *rest;
	size_t size;
	FILE *to = open_memstream(&lines, &size);
	int n = -1;

	if (to) {
		n = trace_print(to, EVENTS_SHOWN);
		fclose(to);
	}
	text_add(t, "\"events\":[");
	for (line = n > 0 && lines ? strtok_r(lines, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (line != lines)
			text_add(t, ",");
		text_add_string(t, line);
	}
	text_add(t, "]");
	free(lines);
}

/* ---- Cores and coroutines ---- */

static void add_cores(struct text *t, const struct runtime_core_stats *before, uint64_t elapsed)
{
	struct runtime_core_stats now;

	text_add(t, "\"cores\":[");
	for (int core = 0; core < CORES_SHOWN && !runtime_core_stats(core, &now); core++) {
		uint64_t idle = now.idle_ns - before[core].idle_ns;

		text_add(t, "%s{\"busy\":%d,\"queue\":%zu,\"switches\":%llu,\"interrupts\":%llu}",
			 core ? "," : "", idle < elapsed ? (int)(100 - idle * 100 / elapsed) : 0,
			 now.queue, (unsigned long long)(now.switches - before[core].switches),
			 (unsigned long long)(now.ipis - before[core].ipis));
	}
	text_add(t, "]");
}

static void add_coroutines(struct text *t, const struct runtime_co *list, int n, uint64_t elapsed)
{
	text_add(t, "\"busiest\":[");
	for (int i = 0; i < n && i < COROUTINES_SHOWN; i++) {
		text_add(t, "%s{\"id\":%llu,\"name\":", i ? "," : "",
			 (unsigned long long)list[i].id);
		text_add_string(t, list[i].name);
		text_add(t, ",\"state\":\"%s\",\"reason\":\"%s\",\"core\":%d,\"share\":%llu.%llu}",
			 list[i].state, list[i].reason, list[i].core,
			 (unsigned long long)(list[i].cpu_ns * 100 / elapsed),
			 (unsigned long long)(list[i].cpu_ns * 1000 / elapsed % 10));
	}
	text_add(t, "]");
}

/* Makes the answer. */
static void look(struct text *t)
{
	static struct runtime_core_stats before[CORES_SHOWN];
	static struct runtime_co list[COROUTINES_SHOWN];
	uint64_t began = time_now(), elapsed;
	int n;

	t->size = 0;
	t->failed = false;
	for (int core = 0; core < CORES_SHOWN; core++)
		runtime_core_stats(core, &before[core]);
	n = runtime_busiest(list, COROUTINES_SHOWN, LOOK);
	elapsed = time_now() - began;
	text_add(t, "{\"now\":%llu,", (unsigned long long)(time_now() / NSEC_PER_MSEC));
	stats_add(t);
	text_add(t, ",\n");
	add_cores(t, before, elapsed);
	text_add(t, ",\n");
	add_coroutines(t, list, n, elapsed);
	text_add(t, ",\n");
	add_events(t);
	text_add(t, "}\n");
	made = time_now();
}

void debug_serve(struct connection *c)
{
	struct text t = {0};

	mutex_lock(&lock);
	record();
	if (!last.size || last.failed || time_now() - made > LOOK)
		look(&last);
	if (last.failed)
		t.failed = true;
	else
		text_add(&t, "%s", last.data);
	mutex_unlock(&lock);
	answer_made(c, "application/json", "Cache-Control: no-store\r\n", &t);
}
