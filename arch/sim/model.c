/*
 * Atomic locations, as C11 has them (5.1.2.4, 7.17.3). Each keeps its last stores in their
 * modification order, so a load may be given one that is not the last, where nothing orders them; and
 * a store may come before others in that order, where nothing has seen them. Which it is, the seed
 * decides. In memory is the last one.
 *
 * What a load or store may not go behind: the stores that happened before, and those that a load
 * that happened before has read; and the sequentially consistent ones, of which the order is that
 * of the run. A store that releases (or follows a release fence, or a release in its thread, or
 * changes what another released) has the clocks that who acquires it joins.
 *
 * Not modelled: a load that reads what is stored after it (load buffering).
 */
#include "sim.h"

enum { STORES = 6 }; /* kept of a location */
enum { LOCATIONS = 64 * 1024, PROGRAM_LOCATIONS = 8 * 1024 };
enum { RELAXED = __ATOMIC_RELAXED, SEQ_CST = __ATOMIC_SEQ_CST };
#define FIRST_ORDER UINT64_C(0x050403020100)

/* Of one agent: before, what happened before a store that releases it; seen, the same of what it has
 * seen; read, when it first read the store (0: not yet). They lie side by side, for mostly there are few
 * agents: so an access meets one cache line. */
struct mark {
	uint32_t before, seen, read;
};

/* One store, with the marks of all agents of the world. Where a program hands over what the kernel looks
 * at, cores are ordered too: in a store of the program's, theirs come first. */
struct store {
	uint64_t value;
	uint64_t consistent; /* the how many-th sequentially consistent store; 0: none */
	uint64_t made;       /* sim_time, when */
	uint32_t time;       /* of its agent */
	uint8_t agent;       /* its place in clocks */
	bool change;         /* of the store before: none comes between */
	struct mark marks[];
};

struct location {
	uintptr_t at;
	uint64_t last; /* the value of the last store */
	int n;
	uint64_t order; /* which of stores[], a byte each: the first n, then those that are free */
	_Alignas(64) char stores[];
};

enum {
	LINE = 64,
	KERNEL_STORE = (sizeof(struct store) + SIM_KERNEL_AGENTS * sizeof(struct mark) + LINE - 1) &
		       -LINE,
	PROGRAM_STORE = (KERNEL_STORE + SIM_PROGRAM_AGENTS * sizeof(struct mark) + LINE - 1) &
			-LINE,
	KERNEL_LOCATION = sizeof(struct location) + STORES * KERNEL_STORE,
	PROGRAM_LOCATION = sizeof(struct location) + STORES * PROGRAM_STORE,
};

static _Alignas(64) char kernel_locations[LOCATIONS][KERNEL_LOCATION];
static _Alignas(64) char program_locations[PROGRAM_LOCATIONS][PROGRAM_LOCATION];
/* Which location an address is, from 1; open addressing. What is near in memory is near here, so few
 * pages are used. */
static uint32_t kernel_slots[2 * LOCATIONS], program_slots[2 * PROGRAM_LOCATIONS];

/* Those that were met last, by a part of a hash of their addresses. */
enum { RECENT_BITS = 10 };
static struct location *recent[2][1 << RECENT_BITS];

static const struct table {
	char *first;
	size_t size, count;
	uint32_t *slots;
} tables[2] = {
	{kernel_locations[0], KERNEL_LOCATION, LOCATIONS, kernel_slots},
	{program_locations[0], PROGRAM_LOCATION, PROGRAM_LOCATIONS, program_slots},
};

bool sim_consistent; /* MODEL=sc: each load has the last store */
static uint64_t consistent_stores;
static size_t used[2];             /* of the tables */
static struct sim_clock fences[2]; /* what sequentially consistent fences have in common */

/* The accesses of each world are compiled for it: world is a constant in what follows. */
#define IN_WORLD static inline __attribute__((always_inline))

/* ---- Locations ---- */

IN_WORLD struct store *store_of(int world, const struct location *l, int i)
{
	size_t size = world ? PROGRAM_STORE : KERNEL_STORE;

	return (struct store *)(uintptr_t)(l->stores + (l->order >> 8 * i & 0xff) * size);
}

IN_WORLD struct mark *marks_of(int world, struct store *s)
{
	return s->marks + (world ? SIM_KERNEL_AGENTS : 0);
}

static size_t slot_mask(const struct table *t)
{
	return 2 * t->count - 1;
}

static size_t slot_of(const struct table *t, uintptr_t at)
{
	return ((at >> 2) ^ (at >> 20)) & slot_mask(t);
}

static struct location *in_slot(const struct table *t, size_t i)
{
	return (struct location *)(t->first + (t->slots[i] - 1) * t->size);
}

static __attribute__((noinline)) struct location *find_location(int world, uintptr_t at)
{
	const struct table *t = &tables[world];
	size_t i = slot_of(t, at);
	struct location *l;

	for (; t->slots[i]; i = (i + 1) & slot_mask(t)) {
		l = in_slot(t, i);
		if (l->at == at)
			return l;
	}
	l = (struct location *)(t->first + used[world] * t->size);
	if (used[world] < t->count - 1) {
		t->slots[i] = (uint32_t)++used[world];
		l->at = at;
	} else {
		sim_be_inexact();
		l->n = 0;
	}
	return l;
}

void sim_model_forget(uintptr_t from, uintptr_t to)
{
	enum { WORD = 4 }; /* those in one have the same slot */
	const struct table *t = &tables[1];

	for (uintptr_t word = from & -(uintptr_t)WORD; used[1] && word < to; word += WORD)
		for (size_t i = slot_of(t, word); t->slots[i]; i = (i + 1) & slot_mask(t))
			if (in_slot(t, i)->at - from < to - from)
				in_slot(t, i)->n = 0;
}

/* What is beyond the width is 0. */
IN_WORLD void begin_store(int world, struct store *s, uint64_t value)
{
	*s = (struct store){.value = value, .made = sim_time};
	for (int i = 0; i < sim_worlds[world].width; i++)
		marks_of(world, s)[i] = (struct mark){0};
	for (int i = 0; world && i < sim_worlds[0].width; i++)
		s->marks[i] = (struct mark){0};
}

/* Memory has changed without an atomic store: that is all there is. */
static __attribute__((noinline)) void begin_location(int world, struct location *l, uint64_t value)
{
	l->n = 1;
	l->last = value;
	l->order = FIRST_ORDER;
	begin_store(world, store_of(world, l, 0), value);
}

/* That of at, of which value is in memory. */
IN_WORLD struct location *location_of(int world, uintptr_t at, uint64_t value)
{
	struct location **l = &recent[world][at * 0x9e3779b97f4a7c15 >> (64 - RECENT_BITS)];

	if (unlikely(!*l || (*l)->at != at))
		*l = find_location(world, at);
	if (unlikely(!(*l)->n || (*l)->last != value))
		begin_location(world, *l, value);
	return *l;
}

/*
 * All see a store after so many nanoseconds, whatever was seen before: it is to become visible "within a
 * reasonable amount of time" (C11, 7.17.3). A real store buffer holds one for less than a thousandth of
 * it; kernel/scheduler.c relies on half of LOOK_AGAIN.
 */
enum { VISIBLE_AFTER = 50 * 1000 };

/* Whether a's next access may not go behind s. order: of it. */
IN_WORLD bool is_floor(int world, const struct sim_agent *a, struct store *s, int order)
{
	const struct mark *marks = marks_of(world, s);

	if (s->time <= a->seen.at[s->agent] || sim_time - s->made >= VISIBLE_AFTER ||
	    (s->consistent && (order == SEQ_CST || s->consistent <= a->fenced)))
		return true;
	for (int k = 0; k < sim_worlds[world].width; k++)
		if (marks[k].read && marks[k].read <= a->seen.at[k])
			return true;
	return order == SEQ_CST && s->time <= fences[world].at[s->agent];
}

/* The first that a's next access may be at or behind. */
IN_WORLD int floor_of(int world, const struct sim_agent *a, const struct location *l, int order)
{
	int i = l->n - 1;

	while (i > 0 && !is_floor(world, a, store_of(world, l, i), order))
		i--;
	return i;
}

/* ---- Clocks ---- */

static inline void join(uint32_t *to, uint32_t from)
{
	if (from > *to)
		*to = from;
}

static bool acquires(int order)
{
	return order != RELAXED && order != __ATOMIC_RELEASE;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == SEQ_CST;
}

IN_WORLD void acquire(struct sim_agent *a, int order, const struct mark *marks, int width)
{
	struct sim_clock *before = acquires(order) ? &a->before : &a->awaited;
	struct sim_clock *seen = acquires(order) ? &a->seen : &a->awaited_seen;

	for (int i = 0; i < width; i++) {
		join(&before->at[i], marks[i].before);
		join(&seen->at[i], marks[i].seen);
	}
}

/* What a new store's marks are. before: those of the one that it goes on from, or NULL. */
IN_WORLD void release(struct sim_agent *a, int order, struct mark *marks, const struct mark *before,
		      int width)
{
	const struct sim_clock *happened = releases(order) ? &a->before : &a->released;
	const struct sim_clock *seen = releases(order) ? &a->seen : &a->released_seen;

	for (int i = 0; i < width; i++)
		marks[i] = (struct mark){happened->at[i], seen->at[i], 0};
	for (int i = 0; before && i < width; i++) {
		join(&marks[i].before, before[i].before);
		join(&marks[i].seen, before[i].seen);
	}
	/* What it does from here on is not released by this. */
	if (releases(order)) {
		a->before.at[a->own]++;
		a->seen.at[a->own] = a->before.at[a->own];
	}
}

IN_WORLD void read_by(int world, struct sim_agent *a, struct store *s, int order)
{
	struct mark *marks = marks_of(world, s);

	if (!marks[a->own].read)
		marks[a->own].read = a->before.at[a->own];
	acquire(a, order, marks, sim_worlds[world].width);
	if (world)
		acquire(sim_core_agent(), order, s->marks, sim_worlds[0].width);
}

/* ---- Accesses ---- */

/* The first n of an order. */
static uint64_t first_of(uint64_t order, int n)
{
	return order & ((UINT64_C(1) << 8 * n) - 1);
}

/* A new one behind the first n; NULL: there are STORES behind it. */
IN_WORLD struct store *insert(int world, struct location *l, int n)
{
	uint64_t before = l->order, slot;

	if (l->n == STORES) { /* the first goes */
		if (n == 0)
			return NULL;
		slot = before & 0xff;
		l->order = before - first_of(before, n) + (first_of(before, n) >> 8);
		n--;
	} else {
		slot = before >> 8 * l->n & 0xff;
		l->n++;
		l->order = before - first_of(before, l->n) + first_of(before, n) +
			   ((first_of(before, l->n - 1) - first_of(before, n)) << 8);
	}
	l->order += slot << 8 * n;
	return store_of(world, l, n);
}

/* Where a store of value is, behind n others. */
IN_WORLD void store_at(int world, struct sim_agent *a, struct location *l, int n, uint64_t value,
		       bool change, int order)
{
	/* The one before may be the one that goes. */
	struct store *before = n ? store_of(world, l, n - 1) : NULL, *s;
	bool last = n == l->n, goes_on;

	s = insert(world, l, n);
	if (!s)
		return;
	if (last)
		l->last = value;
	goes_on = before && before != s && (change || before->agent == a->own);
	*s = (struct store){.value = value,
			    .made = sim_time,
			    .consistent = order == SEQ_CST ? ++consistent_stores : 0,
			    .agent = a->own,
			    .time = a->before.at[a->own],
			    .change = change};
	release(a, order, marks_of(world, s), goes_on ? marks_of(world, before) : NULL,
		sim_worlds[world].width);
	if (world)
		release(sim_core_agent(), order, s->marks, goes_on ? before->marks : NULL,
			sim_worlds[0].width);
}

IN_WORLD uint64_t load_in(int world, struct sim_agent *a, uintptr_t at, uint64_t value, int order,
			  const void *place)
{
	struct location *l = location_of(world, at, value);
	int last = l->n - 1, lowest = last;

	if (last && !sim_consistent)
		lowest = floor_of(world, a, l, order);
	if (lowest < last)
		last -= sim_choose_old(last - lowest + 1, place);

	struct store *s = store_of(world, l, last);

	read_by(world, a, s, order);
	return s->value;
}

uint64_t sim_model_load(struct sim_agent *a, uintptr_t at, uint64_t value, int order,
			const void *place)
{
	return a->world ? load_in(1, a, at, value, order, place)
			: load_in(0, a, at, value, order, place);
}

IN_WORLD bool store_in(int world, struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value,
		       int order, const void *place)
{
	struct location *l = location_of(world, at, was);
	int n = l->n, lowest;
	bool last;

	if (n > 1 && order != SEQ_CST && !sim_consistent) {
		lowest = floor_of(world, a, l, order) + 1;
		/* Not before one that changed the store it would be behind. */
		for (int i = n - 1; i >= lowest; i--)
			if (store_of(world, l, i)->change)
				lowest = i + 1;
		if (lowest < n)
			n -= sim_choose_old(n - lowest + 1, place);
	}
	last = n == l->n;
	store_at(world, a, l, n, value, false, order);
	return last;
}

bool sim_model_store(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order,
		     const void *place)
{
	return a->world ? store_in(1, a, at, was, value, order, place)
			: store_in(0, a, at, was, value, order, place);
}

IN_WORLD void change_in(int world, struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value,
			int order)
{
	struct location *l = location_of(world, at, was);

	read_by(world, a, store_of(world, l, l->n - 1), order);
	store_at(world, a, l, l->n, value, true, order);
}

void sim_model_change(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order)
{
	if (a->world)
		change_in(1, a, at, was, value, order);
	else
		change_in(0, a, at, was, value, order);
}

int sim_model_compare(struct sim_agent *a, uintptr_t at, uint64_t value, uint64_t with, bool weak,
		      int failing, const void *place)
{
	bool equal = value == with;
	struct location *l;
	int last, older, i;

	if (sim_consistent)
		return equal ? -1 : 0;
	l = location_of(1, at, value);
	last = l->n - 1;
	older = last - floor_of(1, a, l, failing);
	i = older || (weak && equal) ? sim_choose_old(older + 1 + (weak && equal), place) : 0;
	if (i > older)
		return 0;
	if (i && store_of(1, l, last - i)->value != with)
		return i;
	return equal ? -1 : 0;
}

uint64_t sim_model_read(struct sim_agent *a, uintptr_t at, uint64_t value, int older, int order)
{
	struct location *l = location_of(a->world, at, value);
	struct store *s = store_of(a->world, l, l->n - 1 - older);

	read_by(a->world, a, s, order);
	return s->value;
}

void sim_model_fence(struct sim_agent *a, int order)
{
	int width = sim_worlds[a->world].width;

	if (a->world)
		sim_model_fence(sim_core_agent(), order);
	if (acquires(order)) {
		sim_join(&a->before, &a->awaited, width);
		sim_join(&a->seen, &a->awaited_seen, width);
	}
	if (order == SEQ_CST) {
		sim_join(&a->seen, &fences[a->world], width);
		sim_join(&fences[a->world], &a->seen, width);
		a->fenced = consistent_stores;
	}
	if (releases(order)) {
		a->released = a->before;
		a->released_seen = a->seen;
		a->before.at[a->own]++;
		a->seen.at[a->own] = a->before.at[a->own];
	}
}
