/*
 * Who uses the processors. What each coroutine has used is looked at twice, while the world stands still: then
 * what has run on a core has been charged with its time so far. Between the looks each switch reads the clock. What was
 * seen first is kept in a table by ids (open addressing, Knuth 6.4).
 */
#include <errno.h>
#include <string.h>

#include <vole/time.h>

#include "debug/calls.h"
#include "debug/profile.h"
#include "debug/runtime.h"
#include "debug/world.h"
#include "kernel/heap.h"
#include "kernel/lock.h"
#include "kernel/sched.h"

enum { ROOM_LEAST = 1024 };

struct used {
	uint64_t id, ns; /* id 0: nothing is here */
};

struct busiest {
	struct used *table;
	size_t mask, left; /* of the table: its size less 1, how many it may still take */
	struct runtime_co *list;
	int max, listed, n;
};

static struct used *place_of_id(const struct busiest *b, uint64_t id)
{
	size_t i = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & b->mask;

	while (b->table[i].id && b->table[i].id != id)
		i = (i + 1) & b->mask;
	return &b->table[i];
}

static void note_used(struct co *co, void *arg)
{
	struct busiest *b = arg;

	if (!co->id || !co->cpu_ns || !b->left)
		return;
	*place_of_id(b, co->id) = (struct used){co->id, co->cpu_ns};
	b->left--;
}

/* Puts co into the list, if it is one of those that used most. */
static void rank(struct co *co, void *arg)
{
	struct busiest *b = arg;
	struct runtime_co found;
	uint64_t ns = co->cpu_ns;
	int at;

	if (!co->id)
		return;
#ifndef PLANT_TIME_SO_FAR /* the fault: what was before counts, too */
	ns -= place_of_id(b, co->id)->ns;
#endif
	if (!ns)
		return;
	b->n++;
	if (b->listed == b->max && (!b->max || b->list[b->max - 1].cpu_ns >= ns))
		return;
	if (!runtime_describe(co, &found)) {
		b->n--;
		return;
	}
	found.cpu_ns = ns;
	for (at = b->listed; at && b->list[at - 1].cpu_ns < ns; at--)
		if (at < b->max)
			b->list[at] = b->list[at - 1];
	if (at < b->max)
		b->list[at] = found;
	if (b->listed < b->max)
		b->listed++;
}

/* A look at all coroutines; from now on each switch reads the clock, or not more than otherwise. */
static bool look_stopped(void (*visit)(struct co *co, void *arg), struct busiest *b, bool watch)
{
	struct co *self = arch_current();
	bool stopped;

	mutex_lock(&world_lock);
	preempt_disable();
	stopped = world_stop();
	if (stopped) {
		core_charge(self->core, self);
		co_each(visit, b);
	}
	if (stopped || !watch)
		profile_watch_switches(watch);
	if (stopped)
		world_go_on();
	preempt_enable();
	mutex_unlock(&world_lock);
	return stopped;
}

int runtime_busiest(struct runtime_co *list, int max, uint64_t ns)
{
	struct busiest b = {.list = list, .max = max};
	size_t room = ROOM_LEAST;
	int status = -EBUSY;

	call_may_wait("runtime_busiest");
	if (!list || max < 0)
		return -EINVAL;
	while (room < 2 * runtime_count())
		room *= 2;
	b.mask = room - 1;
	b.left = room - room / 4;
	b.table = heap_alloc(room * sizeof(*b.table));
	if (!b.table)
		return -ENOMEM;
	memset(b.table, 0, room * sizeof(*b.table));
	if (look_stopped(note_used, &b, true)) {
		status = time_sleep(ns);
		if (!look_stopped(rank, &b, false))
			status = -EBUSY;
	}
	heap_free(b.table);
	return status ? status : b.n;
}
