/*
 * A profile of a running machine: samples are taken for a while, by all cores, and then told as a table of functions and
 * of reasons to wait. The tables are at rest when they are read: no core takes samples any more. The names of the columns
 * are those of tools/prof/listing.py.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vole/runtime.h>
#include <vole/sync.h>
#include <vole/time.h>

#include "debug/calls.h"
#include "debug/profile.h"
#include "debug/symtab.h"
#include "debug/who.h"
#include "kernel/heap.h"

enum { HZ = 997, FUNCTIONS = 2048 };

struct spent {
	uintptr_t fn; /* 0: nothing is here; in functions[0]: all for which there was no room */
	uint64_t flat, cum;
};

struct report {
	struct spent functions[FUNCTIONS];
	unsigned used;
	uint64_t ns, samples, wait_ns;
	struct {
		uint64_t ns, count;
	} waits[WAIT_REASONS];
};

static uintptr_t function_of(uint64_t pc)
{
	size_t offset;

	symtab_find(pc - 1, &offset);
	return pc - 1 - offset;
}

static struct spent *place_of_function(struct report *r, uintptr_t fn)
{
	size_t i = 1 + (fn >> 4) % (FUNCTIONS - 1);

	while (r->functions[i].fn && r->functions[i].fn != fn)
		i = i + 1 < FUNCTIONS ? i + 1 : 1;
	if (!r->functions[i].fn) {
		if (r->used == FUNCTIONS / 4 * 3)
			return &r->functions[0];
		r->used++;
		r->functions[i].fn = fn;
	}
	return &r->functions[i];
}

static void add_stack(const struct profile_stack *s, void *to)
{
	struct report *r = to;
	uintptr_t fn[PROFILE_FRAMES];

	if (s->kind == PROFILE_WAIT && s->reason < WAIT_REASONS) {
		r->wait_ns += s->value;
		r->waits[s->reason].ns += s->value;
		r->waits[s->reason].count += s->count;
	}
	if (s->kind != PROFILE_CPU)
		return;
	r->ns += s->value;
	r->samples += s->count;
	for (int i = 0; i < s->frames; i++) {
		int seen = 0;

		fn[i] = function_of(s->pc[i]);
		while (fn[seen] != fn[i])
			seen++;
		if (seen == i) /* one that calls itself counts once */
			place_of_function(r, fn[i])->cum += s->value;
		if (i == 0)
			place_of_function(r, fn[i])->flat += s->value;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct spent *x = a, *y = b;

	if (x->flat != y->flat)
		return x->flat < y->flat ? 1 : -1;
	return x->cum < y->cum ? 1 : x->cum > y->cum ? -1 : 0;
}

/* "   123.4 ms  56.7%" */
static void put_part(FILE *to, uint64_t ns, uint64_t whole)
{
	uint64_t tenths = ns / (NSEC_PER_MSEC / 10), part = whole ? ns * 1000 / whole : 0;

	fprintf(to, "%7llu.%llu ms %3llu.%llu%%", (unsigned long long)tenths / 10,
		(unsigned long long)tenths % 10, (unsigned long long)part / 10,
		(unsigned long long)part % 10);
}

static void put_functions(FILE *to, struct report *r, int most)
{
	size_t offset;

	fprintf(to, "processor time: %llu sample%s\n", (unsigned long long)r->samples,
		r->samples == 1 ? "" : "s");
	fprintf(to, "      flat   flat%%        cum   cum%%  function\n");
	qsort(r->functions, FUNCTIONS, sizeof(r->functions[0]), by_time);
	for (int i = 0; i < FUNCTIONS && i < most && r->functions[i].cum; i++) {
		put_part(to, r->functions[i].flat, r->ns);
		fprintf(to, " ");
		put_part(to, r->functions[i].cum, r->ns);
		fprintf(to, "  %s\n",
			r->functions[i].fn ? symtab_find(r->functions[i].fn, &offset) : "[others]");
	}
}

static void put_waits(FILE *to, struct report *r)
{
	fprintf(to, "waiting, where it has ended:\n      time   time%%      times  reason\n");
	for (;;) {
		int longest = 0;

		for (int i = 1; i < WAIT_REASONS; i++)
			if (r->waits[i].ns > r->waits[longest].ns)
				longest = i;
		if (!r->waits[longest].ns)
			return;
		put_part(to, r->waits[longest].ns, r->wait_ns);
		fprintf(to, " %10llu  %s\n", (unsigned long long)r->waits[longest].count,
			wait_reason_names[longest]);
		r->waits[longest].ns = 0;
	}
}

static int profile_for(uint64_t ns, struct report *r)
{
	int status = profile_start(NSEC_PER_SEC / HZ);

	if (status)
		return status;
	status = time_sleep(ns);
	profile_stop();
	profile_each(add_stack, r);
	return status;
}

int runtime_profile(FILE *to, int most, uint64_t ns)
{
	static struct mutex one_at_a_time;
	struct report *r;
	int status;

	call_may_wait("runtime_profile");
	if (!to || most < 0)
		return -EINVAL;
	if (!mutex_try_lock(&one_at_a_time))
		return -EBUSY;
	r = heap_alloc(sizeof(*r));
	if (r) {
		memset(r, 0, sizeof(*r));
		status = profile_for(ns, r);
	} else {
		status = -ENOMEM;
	}
	mutex_unlock(&one_at_a_time);
	if (!status) {
		put_functions(to, r, most);
		put_waits(to, r);
	}
	heap_free(r);
	return status;
}
