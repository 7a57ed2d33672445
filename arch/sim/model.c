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
	uint8_t n;
	uint8_t order[STORES]; /* of stores[], the first n */
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
	size_t size, store, count;
	uint32_t *slots;
	struct location **recent;
} tables[2] = {
	{kernel_locations[0], KERNEL_LOCATION, KERNEL_STORE, LOCATIONS, kernel_slots, recent[0]},
	{program_locations[0], PROGRAM_LOCATION, PROGRAM_STORE, PROGRAM_LOCATIONS, program_slots,
	 recent[1]},
};

bool sim_consistent; /* MODEL=sc: each load has the last store */
static uint64_t consistent_stores;
static size_t used[2];             /* of the tables */
static struct sim_clock fences[2]; /* what sequentially consistent fences have in common */

/* ---- Locations ---- */

static int width_of(const struct sim_agent *a)
{
	return sim_worlds[a->world].width;
}

static struct store *store_of(const struct sim_agent *a, const struct location *l, int i)
{
	return (struct store *)(uintptr_t)(l->stores + l->order[i] * tables[a->world].store);
}

static struct mark *marks_of(const struct sim_agent *a, struct store *s)
{
	return s->marks + (a->world ? SIM_KERNEL_AGENTS : 0);
}

static struct location *find_location(const struct sim_agent *a, uintptr_t at)
{
	const struct table *t = &tables[a->world];
	size_t mask = 2 * t->count - 1, i = ((at >> 2) ^ (at >> 20)) & mask;
	struct location *l;

	for (; t->slots[i]; i = (i + 1) & mask) {
		l = (struct location *)(t->first + (t->slots[i] - 1) * t->size);
		if (l->at == at)
			return l;
	}
	l = (struct location *)(t->first + used[a->world] * t->size);
	if (used[a->world] < t->count - 1) {
		t->slots[i] = (uint32_t)++used[a->world];
		l->at = at;
	} else {
		sim_be_inexact();
		l->n = 0;
	}
	return l;
}

static inline struct location *location_of(const struct sim_agent *a, uintptr_t at)
{
	struct location **l =
		&tables[a->world].recent[at * 0x9e3779b97f4a7c15 >> (64 - RECENT_BITS)];

	if (__builtin_expect(!*l || (*l)->at != at, 0))
		*l = find_location(a, at);
	return *l;
}

static void clear_marks(struct mark *marks, int width)
{
	for (int i = 0; i < width; i++)
		marks[i] = (struct mark){0};
}

/* What is beyond the width is 0. */
static void clear(const struct sim_agent *a, struct store *s, uint64_t value)
{
	s->value = value;
	s->made = sim_time;
	s->consistent = 0;
	s->time = 0;
	s->agent = 0;
	s->change = false;
	clear_marks(marks_of(a, s), width_of(a));
	if (a->world)
		clear_marks(s->marks, sim_worlds[0].width);
}

/* That of at; where memory has changed without an atomic store, that is all there is. */
static struct location *look(const struct sim_agent *a, uintptr_t at, uint64_t value)
{
	struct location *l = location_of(a, at);

	if (!l->n || l->last != value) {
		l->n = 1;
		l->last = value;
		for (uint8_t i = 0; i < STORES; i++)
			l->order[i] = i;
		clear(a, store_of(a, l, 0), value);
	}
	return l;
}

/*
 * All see a store after so many nanoseconds, whatever was seen before: it is to become visible "within a
 * reasonable amount of time" (C11, 7.17.3). A real store buffer holds one for less than a thousandth of
 * it; kernel/idle.c relies on less than LOOK_AGAIN.
 */
enum { VISIBLE_AFTER = 50 * 1000 };

/* The first that a's next access may be at or behind. order: of it. */
static int floor_of(const struct sim_agent *a, const struct location *l, int order)
{
	int width = width_of(a);

	for (int i = l->n - 1; i > 0; i--) {
		struct store *s = store_of(a, l, i);
		const struct mark *marks = marks_of(a, s);
		const struct sim_clock *common = &fences[a->world];

		if (s->time <= a->seen.at[s->agent] || sim_time - s->made >= VISIBLE_AFTER ||
		    (s->consistent && (order == SEQ_CST || s->consistent <= a->fenced)))
			return i;
		for (int k = 0; k < width; k++)
			if (marks[k].read && marks[k].read <= a->seen.at[k])
				return i;
		if (order == SEQ_CST && s->time <= common->at[s->agent])
			return i;
	}
	return 0;
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

static void acquire(struct sim_agent *a, int order, const struct mark *marks, int width)
{
	struct sim_clock *before = acquires(order) ? &a->before : &a->awaited;
	struct sim_clock *seen = acquires(order) ? &a->seen : &a->awaited_seen;

	for (int i = 0; i < width; i++) {
		join(&before->at[i], marks[i].before);
		join(&seen->at[i], marks[i].seen);
	}
}

static void release(struct sim_agent *a, int order, struct mark *marks, int width)
{
	const struct sim_clock *before = releases(order) ? &a->before : &a->released;
	const struct sim_clock *seen = releases(order) ? &a->seen : &a->released_seen;

	for (int i = 0; i < width; i++) {
		join(&marks[i].before, before->at[i]);
		join(&marks[i].seen, seen->at[i]);
	}
	/* What it does from here on is not released by this. */
	a->before.at[a->own]++;
	a->seen.at[a->own] = a->before.at[a->own];
}

static void join_marks(struct mark *to, const struct mark *from, int width)
{
	for (int i = 0; i < width; i++) {
		join(&to[i].before, from[i].before);
		join(&to[i].seen, from[i].seen);
	}
}

static void read_by(struct sim_agent *a, struct store *s, int order)
{
	struct mark *marks = marks_of(a, s);

	if (!marks[a->own].read)
		marks[a->own].read = a->before.at[a->own];
	acquire(a, order, marks, width_of(a));
	if (a->world)
		acquire(sim_core_agent(), order, s->marks, sim_worlds[0].width);
}

/* before: the one that it is behind, or NULL. */
static void write_by(struct sim_agent *a, struct store *s, struct store *before, bool change,
		     int order)
{
	int width = width_of(a), ncores = a->world ? sim_worlds[0].width : 0;

	s->agent = a->own;
	s->time = a->before.at[a->own];
	s->change = change;
	s->consistent = order == SEQ_CST ? ++consistent_stores : 0;
	release(a, order, marks_of(a, s), width);
	if (ncores)
		release(sim_core_agent(), order, s->marks, ncores);
	if (before && (change || before->agent == a->own)) {
		join_marks(marks_of(a, s), marks_of(a, before), width);
		join_marks(s->marks, before->marks, ncores);
	}
}

/* ---- Accesses ---- */

/* A new one of value behind the first n; NULL: there are STORES behind it. */
static struct store *insert(const struct sim_agent *a, struct location *l, int n, uint64_t value)
{
	uint8_t slot;

	if (l->n == STORES) { /* the first goes */
		if (n == 0)
			return NULL;
		slot = l->order[0];
		n--;
		for (int i = 0; i < n; i++)
			l->order[i] = l->order[i + 1];
	} else {
		slot = l->order[l->n];
		for (int i = l->n++; i > n; i--)
			l->order[i] = l->order[i - 1];
	}
	l->order[n] = slot;
	if (n == l->n - 1)
		l->last = value;
	clear(a, store_of(a, l, n), value);
	return store_of(a, l, n);
}

/* Where a store of value is, behind n others. */
static void store_at(struct sim_agent *a, struct location *l, int n, uint64_t value, bool change,
		     int order)
{
	/* The one before may be the one that goes. */
	struct store *before = n ? store_of(a, l, n - 1) : NULL, *s;

	s = insert(a, l, n, value);
	if (s)
		write_by(a, s, before == s ? NULL : before, change, order);
}

uint64_t sim_model_load(struct sim_agent *a, uintptr_t at, uint64_t value, int order,
			const void *place)
{
	struct location *l = look(a, at, value);
	int last = l->n - 1, lowest;
	struct store *s = store_of(a, l, last);

	if (last && sim_consistent)
		last = 0;
	if (last) {
		lowest = floor_of(a, l, order);
		if (lowest < last)
			s = store_of(a, l, last - sim_choose_old(last - lowest + 1, place));
	}
	read_by(a, s, order);
	return s->value;
}

bool sim_model_store(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order,
		     const void *place)
{
	struct location *l = look(a, at, was);
	int n = l->n, lowest;

	if (n > 1 && order != SEQ_CST && !sim_consistent) {
		lowest = floor_of(a, l, order) + 1;
		/* Not before one that changed the store it would be behind. */
		for (int i = n - 1; i >= lowest; i--)
			if (store_of(a, l, i)->change)
				lowest = i + 1;
		if (lowest < n)
			n -= sim_choose_old(n - lowest + 1, place);
	}

	bool last = n == l->n;

	store_at(a, l, n, value, false, order);
	return last;
}

void sim_model_change(struct sim_agent *a, uintptr_t at, uint64_t was, uint64_t value, int order)
{
	struct location *l = look(a, at, was);

	read_by(a, store_of(a, l, l->n - 1), order);
	store_at(a, l, l->n, value, true, order);
}

void sim_model_read_last(struct sim_agent *a, uintptr_t at, uint64_t value, int order)
{
	struct location *l = look(a, at, value);

	read_by(a, store_of(a, l, l->n - 1), order);
}

void sim_model_fence(struct sim_agent *a, int order)
{
	int width = width_of(a);

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
