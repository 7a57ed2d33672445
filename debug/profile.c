#include "debug/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vole/go.h>
#include <vole/time.h>

#include "debug/callers.h"
#include "debug/print.h"
#include "debug/record.h"
#include "debug/who.h"
#include "kernel/core.h"
#include "kernel/heap.h"
#include "kernel/locals.h"
#include "kernel/lock.h"

enum { SLOTS = 4096 };
enum { ALL_TABLES = 16 << 20, TABLE_LEAST = 256 << 10, TABLE_MOST = 1 << 20 }; /* bytes */
enum { HZ_MAX = 10000 };

/* tools/prof/tables.py reads this, and the stacks: the profile is in front of the tables. */
struct table {
	uint64_t size, used; /* bytes of stacks; used is written last */
	uint64_t last;       /* when the last was counted */
	uint64_t lost_count[PROFILE_KINDS], lost_value[PROFILE_KINDS];
	uint32_t slot[SLOTS]; /* 1 + offset / 8 of a stack */
	uint64_t stacks[];
};

static struct profile {
	uint32_t version, cores;
	uint64_t period, began; /* ns */
	uint64_t table_bytes;
	_Alignas(PAGE_SIZE) char tables[];
} * profile; /* NULL: none is made */

static bool sampling;        /* samples are taken, and counted */
static bool by_option;       /* for all of the run */
static bool busy[MAX_CORES]; /* the table of that core is being written to */

static struct table *table_of(const struct core *core)
{
	return (struct table *)(profile->tables + (size_t)core->index * profile->table_bytes);
}

/* ---- The table of a core ---- */

static uint32_t mix_word(uint32_t hash, uint64_t word)
{
	uint64_t x = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* Knuth 6.4 */

	return (uint32_t)(x >> 32) ^ (uint32_t)x;
}

static size_t size_of(const struct profile_stack *s)
{
	return sizeof(*s) + s->frames * sizeof(s->pc[0]);
}

static void hash_stack(struct profile_stack *s)
{
	uint32_t h = s->kind | (uint32_t)s->reason << 8;
	uint64_t words[NAME_SIZE / sizeof(uint64_t)];

	memcpy(words, s->name, sizeof(words));
	h = mix_word(mix_word(h, s->fn), s->spawned);
	for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++)
		h = mix_word(h, words[i]);
	for (unsigned i = 0; i < s->frames; i++)
		h = mix_word(h, s->pc[i]);
	s->hash = h;
}

static bool is_same_stack(const struct profile_stack *a, const struct profile_stack *b)
{
	return a->hash == b->hash && a->kind == b->kind && a->reason == b->reason &&
	       a->frames == b->frames && a->fn == b->fn && a->spawned == b->spawned &&
	       !memcmp(a->name, b->name, NAME_SIZE) &&
	       !memcmp(a->pc, b->pc, a->frames * sizeof(a->pc[0]));
}

/* Its place in the table, where that has it or room for it. */
static struct profile_stack *place_of(struct table *t, const struct profile_stack *s)
{
	enum { PROBES = 16 };

	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t *slot = &t->slot[(s->hash + i) % SLOTS];
		struct profile_stack *there = (struct profile_stack *)(t->stacks + *slot - 1);

		if (*slot && is_same_stack(there, s))
			return there;
		if (*slot)
			continue;
		if (t->size - t->used < size_of(s))
			return NULL;
		there = (struct profile_stack *)(t->stacks + t->used / sizeof(uint64_t));
		memcpy(there, s, size_of(s));
		there->count = there->value = 0;
		*slot = (uint32_t)(t->used / sizeof(uint64_t)) + 1;
		atomic_signal_fence(memory_order_seq_cst);
		t->used += size_of(s);
		return there;
	}
	return NULL;
}

/* In a full table coroutines have no names of their own any more, which may be many. */
static void profile_add(struct table *t, struct profile_stack *s)
{
	struct profile_stack *there;

	hash_stack(s);
	there = place_of(t, s);
	if (!there && s->name[0]) {
		memset(s->name, 0, NAME_SIZE);
		hash_stack(s);
		there = place_of(t, s);
	}
	if (there) {
		there->count += s->count;
		there->value += s->value;
	} else {
		t->lost_count[s->kind] += s->count;
		t->lost_value[s->kind] += s->value;
	}
}

/* The coroutine that runs here: *s is its. */
static void set_owner(struct profile_stack *s, const struct co *co)
{
	const struct co_name *name = co->name;

	s->fn = (uintptr_t)co->fn;
	s->spawned = co->started_at;
	memset(s->name, 0, NAME_SIZE);
	if (name)
		memcpy(s->name, name->words, NAME_SIZE);
	else if (co->id == 1)
		memcpy(s->name, "main", sizeof("main"));
	else if (co->flags & CO_KERNEL)
		memcpy(s->name, "scheduler", sizeof("scheduler"));
}

/* What is being counted, on each core: by interrupts, and by its scheduler. */
struct buffer {
	_Alignas(64) uint64_t room[sizeof(struct profile_stack) / sizeof(uint64_t) +
				   PROFILE_FRAMES]; /* a struct profile_stack */
};

/* ---- Waiting ---- */

/*
 * The scheduler counts waits when they end. For that each switch has to be the scheduler's, which takes
 * several times as long, so after SEEN_MAX of them in a period the others are left alone until the next, and not counted. A wait
 * is counted that began while all were seen, or is so long that what the clock said then will do.
 */
enum { SEEN_MAX = 6, LONG_WAIT = 4 /* periods */ };

static struct waits {
	_Alignas(64) uint64_t since; /* then each switch became the scheduler's */
	uint64_t begun;              /* a period */
	unsigned seen;               /* in it */
} waits[MAX_CORES];

static _Atomic int watchers;

void profile_watch_switches(bool on)
{
	bool every;

	atomic_fetch_add_explicit(&watchers, on ? 1 : -1, memory_order_relaxed);
	every = locals_room || atomic_load_explicit(&watchers, memory_order_relaxed);
	for (int i = 0; i < core_count(); i++)
		shared_set(cores[i]->every_switch, every);
}

/* In the interrupt for a sample. */
static void waits_begin(struct core *core)
{
	struct waits *w = &waits[core->index];

	w->begun = arch_clock();
	w->seen = 0;
	if (!shared_get(core->every_switch)) {
		w->since = w->begun;
		shared_set(core->every_switch, true);
	}
}

static bool is_for_lock(uint8_t reason)
{
	return reason == WAIT_MUTEX || reason == WAIT_RWMUTEX_READ || reason == WAIT_RWMUTEX_WRITE;
}

static void count_wait(const struct core *core, const struct co *co, uint64_t ns)
{
	static struct buffer buffers[MAX_CORES];
	struct table *t = table_of(core);
	struct profile_stack *s = (struct profile_stack *)buffers[core->index].room;

	shared_set(busy[core->index], true);
	atomic_signal_fence(memory_order_seq_cst);
	s->count = 1;
	s->value = ns;
	s->reason = co->wait_reason;
	s->kind = PROFILE_WAIT;
	s->frames = (uint16_t)callers_stopped(co, s->pc, PROFILE_FRAMES);
	set_owner(s, co);
	profile_add(t, s);
	if (is_for_lock(s->reason)) {
		s->kind = PROFILE_CONTENTION;
		profile_add(t, s);
	}
	t->last = core->now;
	atomic_signal_fence(memory_order_seq_cst);
	shared_set(busy[core->index], false);
}

void profile_resumes(struct core *core, struct co *next)
{
	struct waits *w = &waits[core->index];
	uint64_t since = next->wait_since, ns = core->now - since;

	if (!shared_get(sampling))
		return;
	w->seen++;
	if (since && !next->frame && core->now > since) {
		shared_set(next->wait_since, 0);
		if (since >= w->since || ns > LONG_WAIT * profile->period)
			count_wait(core, next, ns);
	}
	if (w->seen < SEEN_MAX)
		return;
	/* An idle core begins periods seldom. */
	if (core->now - w->begun >= profile->period) {
		w->begun = core->now;
		w->seen = 0;
	} else if (!atomic_load_explicit(&watchers, memory_order_relaxed) && !locals_room) {
		shared_set(core->every_switch, false);
	}
}

/* ---- Allocation ---- */

/* One stack stands for all bytes that were allocated on its core since the last one: at first each allocation is counted,
 * later one in so many bytes, which varies, so that no pattern of a program's is always missed. */
enum { ALLOC_STEP = 64 * 1024, ALLOC_PART = 256 };

static struct allocs {
	_Alignas(64) uint64_t bytes, count, all, next;
	uint32_t random;
} allocs[MAX_CORES];

bool profile_allocs;

static void *count_alloc(void *size, void *)
{
	static struct buffer buffers[MAX_CORES];
	const struct co *co = arch_current();
	struct core *core = co->core;
	struct allocs *a = &allocs[core->index];
	struct profile_stack *s = (struct profile_stack *)buffers[core->index].room;
	uint64_t step;

	a->all += (uintptr_t)size;
	a->bytes += (uintptr_t)size;
	a->count++;
	if (a->bytes < a->next)
		return NULL;
	a->random = a->random * 1664525 + 1013904223;
	step = a->all / ALLOC_PART < ALLOC_STEP ? a->all / ALLOC_PART : ALLOC_STEP;
	a->next = step * (a->random >> 16) >> 15; /* up to twice as much */
	shared_set(busy[core->index], true);
	atomic_signal_fence(memory_order_seq_cst);
	s->count = a->count;
	s->value = a->bytes;
	a->count = a->bytes = 0;
	s->reason = 0;
	s->kind = PROFILE_ALLOC;
	s->frames = (uint16_t)callers_here(s->pc, PROFILE_FRAMES);
	set_owner(s, co);
	profile_add(table_of(core), s);
	atomic_signal_fence(memory_order_seq_cst);
	shared_set(busy[core->index], false);
	return NULL;
}

void profile_allocated_slowly(size_t bytes)
{
	preempt_disable();
	core_call(count_alloc, (void *)bytes, NULL);
	preempt_enable();
}

/* ---- Processor time ---- */

bool irq_sample(const struct arch_regs *regs, uint64_t ns)
{
	static struct buffer samples[MAX_CORES];
	const struct co *co = arch_current();
	struct core *core = co->core;
	struct table *t = table_of(core);
	struct profile_stack *s = (struct profile_stack *)samples[core->index].room;

	if (!shared_get(sampling))
		return false;
	waits_begin(core);
	if (!ns || !atomic_load_explicit(&core->running, memory_order_relaxed))
		return false;
	t->last = arch_clock();
	s->count = 1;
	s->value = ns;
	s->kind = PROFILE_CPU;
	s->reason = 0;
	if (shared_get(busy[core->index])) {
		t->lost_count[PROFILE_CPU]++;
		t->lost_value[PROFILE_CPU] += ns;
		return true;
	}
	s->frames = (uint16_t)callers_interrupted(regs, s->pc, PROFILE_FRAMES);
#ifdef PLANT_NO_CALLERS
	s->frames = 1; /* the fault */
#endif
	set_owner(s, co);
	profile_add(t, s);
	return true;
}

/* ---- From when to when ---- */

/* A sample each period nanoseconds; bytes of each table. */
static void set_up(uint64_t period, size_t bytes)
{
	profile->version = 1;
	profile->cores = (uint32_t)machine.ncores;
	profile->period = period;
	profile->began = arch_clock();
	profile->table_bytes = bytes;
	for (int i = 0; i < machine.ncores; i++)
		((struct table *)(profile->tables + (size_t)i * bytes))->size =
			bytes - sizeof(struct table);
}

void profile_init(void)
{
	const char *hz = record_option("profile");
	unsigned long n = hz ? strtoul(hz, NULL, 10) : 0;
	size_t bytes = (size_t)ALL_TABLES / (size_t)machine.ncores;

	if (!hz)
		return;
	if (!n || n > HZ_MAX) {
		log_warn("vole.profile=%s: not a number from 1 to %d\n", hz, HZ_MAX);
		return;
	}
	bytes = bytes < TABLE_LEAST ? TABLE_LEAST : bytes > TABLE_MOST ? TABLE_MOST : bytes;
	profile = record_alloc("profile", sizeof(*profile) + (size_t)machine.ncores * bytes);
	if (!profile) {
		log_warn("no memory for the profile\n");
		return;
	}
	set_up(NSEC_PER_SEC / n, bytes);
	by_option = true;
	if (machine.sample_every) {
		profile_allocs = sampling = true;
		shared_set(core_here()->every_switch, true);
		machine.sample_every(profile->period);
	}
}

/* On its core. period 0: no more. */
static void *sample_here(void *period, void *)
{
	machine.sample_every((uintptr_t)period);
	if (!period && !locals_room && !atomic_load_explicit(&watchers, memory_order_relaxed))
		shared_set(core_here()->every_switch, false);
	return NULL;
}

static void sample_everywhere(uint64_t period)
{
	const struct co *self = arch_current();
	int pinned = self->flags & CO_PINNED ? self->pinned_core : -1;

	for (int i = 0; i < core_count(); i++) {
		go_pin(i);
		preempt_disable();
		core_call(sample_here, (void *)period, NULL);
		preempt_enable();
	}
	go_pin(pinned);
}

int profile_start(uint64_t period)
{
	size_t all = sizeof(*profile) + (size_t)machine.ncores * TABLE_LEAST;

	if (!machine.sample_every)
		return -ENOTSUP;
	if (by_option)
		return -EBUSY;
	if (!profile)
		profile = heap_alloc_aligned(PAGE_SIZE, all);
	if (!profile)
		return -ENOMEM;
	memset(profile, 0, all);
	set_up(period, TABLE_LEAST);
	shared_set(sampling, true);
	sample_everywhere(period);
	return 0;
}

/* What a core is about to count while this ends, it has counted when the calling coroutine has been there. */
void profile_stop(void)
{
	shared_set(sampling, false);
	sample_everywhere(0);
}

void profile_each(void (*visit)(const struct profile_stack *s, void *arg), void *arg)
{
	for (int i = 0; i < core_count(); i++) {
		const struct table *t = table_of(cores[i]);

		for (uint64_t at = 0; at < t->used;) {
			const struct profile_stack *s =
				(const struct profile_stack *)(t->stacks + at / sizeof(uint64_t));

			visit(s, arg);
			at += size_of(s);
		}
	}
}
