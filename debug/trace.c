#include "debug/trace.h"

#include <stdlib.h>
#include <string.h>

#include <vole/trace.h>

#include "debug/calls.h"
#include "debug/order.h"
#include "debug/print.h"
#include "debug/recent.h"
#include "debug/record.h"
#include "debug/who.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/proc.h"
#include "sync/chan.h"

enum { USUAL_SIZE = 8 << 20, STARTED_SIZE = 1 << 20, LEAST_EVENTS = 16, SAMPLE_EACH = 1000 * 1000 };

struct timeline *timeline;
static bool by_option, prints; /* vole.trace= */
bool trace_recording;
static struct spinlock switching; /* what follows */
static int starts;                /* trace_start, less trace_stop */

/* ---- Events ---- */

static inline __attribute__((always_inline)) void write_event(struct core *core,
							      enum trace_kind kind, uint64_t time,
							      uint64_t co, uint64_t a, uint64_t b)
{
	static uint64_t
		last; /* of the simulated machine, which is one thread: no two events at one time */
	struct trace_ring *ring = &timeline->ring[core->index];
	volatile struct trace_event *event;
	uintptr_t n;

	if (TRACE_ALWAYS)
		last = time = time > last ? time : last + 1;

	do /* a handler may come between, and put its own */
		n = shared_get(ring->next);
	while (!arch_swap_here(&ring->next, n, n + 1));
	event = &ring->events[n & ring->mask];
	event->what = TRACE_NONE;
	event->co = co;
	event->a = a;
	event->b = b;
	event->what = time << 8 | kind;
}

/* Names that were given are in the ring, too: again when half of it is new. */
static __attribute__((noinline)) void write_name(struct core *core, uint64_t time,
						 const struct co *co)
{
	struct trace_ring *ring = &timeline->ring[core->index];
	const size_t places = sizeof(ring->named) / sizeof(ring->named[0]);
	const struct co_name *name = shared_get(co->name);
	size_t place = co->id % places;

	if (ring->named[place].id == co->id &&
	    ring->next - ring->named[place].at < timeline->events / 2)
		return;
	ring->named[place].id = co->id;
	ring->named[place].at = ring->next;
	write_event(core, TRACE_NAME, time, co->id, name->words[0], name->words[1]);
	write_event(core, TRACE_NAME_END, time, co->id, name->words[2], name->words[3]);
}

/* What an event says of the name of co: its function; 0: it was given a name. */
static inline uint64_t name_in_event(struct core *core, uint64_t time, const struct co *co)
{
	if (likely(!shared_get(co->name)))
		return (uintptr_t)shared_get(co->fn);
	write_name(core, time, co);
	return 0;
}

/* Who runs here; 0: a handler, or the scheduler. */
static inline uint64_t id_here(const struct core *core)
{
	return core->in_handler & HANDLER_IRQ ? 0 : arch_current()->id;
}

static __attribute__((noinline)) void sample(struct core *core, uint64_t now)
{
	uint64_t live = 0, available;

	atomic_store_explicit(&timeline->sample_at, now + SAMPLE_EACH, memory_order_relaxed);
	for (int i = 0; i < core_count(); i++)
		live -= shared_get(cores[i]->exited);
	for (int i = 0; i < core_count(); i++)
		live += shared_get(cores[i]->spawned);
	available = page_available();
	write_event(core, TRACE_SAMPLE, now, 0, live, available);
	shared_set(timeline->sampled.time, now);
	shared_set(timeline->sampled.live, live);
	shared_set(timeline->sampled.free, available);
}

/* Whether there is something to do; then, in the simulated machine, without a step until it is done. */
static inline bool trace_opens(void)
{
	if (!trace_recording)
		return false;
	look_begin();
	return true;
}

void trace_event(struct core *core, enum trace_kind kind, uint64_t a, uint64_t b)
{
	if (!trace_opens())
		return;
	write_event(core, kind, arch_clock(), id_here(core), a, b);
	look_end();
}

/* How self stops; not for good. */
static inline __attribute__((always_inline)) void write_pause(struct core *core, uint64_t now,
							      const struct co *self)
{
	if (self->state == CO_WAITING)
		write_event(core, TRACE_PARK, now, self->id, self->wait_reason,
			    (uintptr_t)self->wait_object);
	else if (self->state == CO_RUNNABLE)
		write_event(core, TRACE_YIELD, now, self->id, 0, 0);
}

static inline bool sample_is_due(uint64_t now)
{
	return now >= atomic_load_explicit(&timeline->sample_at, memory_order_relaxed);
}

static inline void write_stop(struct core *core, uint64_t now, const struct co *self)
{
	if (self->state == CO_ENDED)
		write_event(core, TRACE_EXIT, now, self->id, name_in_event(core, now, self), 0);
	else
		write_pause(core, now, self);
	if (unlikely(sample_is_due(now)))
		sample(core, now);
}

static inline void write_switch(struct core *core, uint64_t now, const struct co *next)
{
	write_event(core, TRACE_SWITCH, now, next->id, name_in_event(core, now, next), 0);
}

/* Whoever runs next, where that is plain to see; or NULL. */
static inline __attribute__((always_inline)) struct co *pick_next(struct core *core)
{
	return shared_get(core->attention) == ATTENTION_TRACED ? proc_pick(core) : NULL;
}

/* switch_to looks again. What is off, or new, stays so until it is resumed. */
static inline bool is_resumable(const struct co *next)
{
	uint8_t on = atomic_load_explicit(&next->on_core, memory_order_relaxed);

	return likely(on == CO_OFF || on == CO_NEW);
}

/* These are on the core's own stack: not that of the coroutine, which may have no room for them. */
static void *switch_here(void *next, void *now)
{
	struct core *core = core_here();
	struct co *co = next;

	if (is_resumable(co)) {
		write_switch(core, (uint64_t)now, co);
		return co;
	}
	shared_set(co->state, CO_RUNNABLE);
	proc_put_next(core, co);
	return NULL;
}

static void *stop_here(void *now, void *)
{
	struct core *core = core_here();
	struct co *next;

	write_stop(core, (uint64_t)now, arch_current());
	next = pick_next(core);
	return next ? switch_here(next, now) : NULL;
}

struct co *trace_next(void)
{
	struct co *self = arch_current(), *next;
	struct core *core = self->core;
	uint64_t now;

	if (!core->traced || !timeline)
		return NULL;
	now = ARCH_STAMP();
	if (unlikely(self->state == CO_ENDED || sample_is_due(now)))
		return core_call(stop_here, (void *)now, NULL);
	write_pause(core, now, self);
	next = pick_next(core);
	if (!next)
		return NULL;
	if (unlikely(shared_get(next->name)) || !is_resumable(next))
		return core_call(switch_here, next, (void *)now);
	write_event(core, TRACE_SWITCH, now, next->id, (uintptr_t)shared_get(next->fn), 0);
	return next;
}

/* A peer is made ready at the time when a value was handed over. */
static inline uint64_t time_of_ready(const struct core *core)
{
	const struct trace_ring *ring = &timeline->ring[core->index];

	return ring->served && ring->served == ring->next ? ring->now : ARCH_STAMP();
}

static inline __attribute__((always_inline)) void write_ready(struct core *core, uint64_t now,
							      const struct co *co, bool woken,
							      uint64_t name)
{
	write_event(core, woken ? TRACE_READY : TRACE_SPAWN, now, id_here(core), co->id, name);
}

static void *ready_named(void *co, void *woken)
{
	struct core *core = core_here();
	uint64_t now = time_of_ready(core);

	write_ready(core, now, co, woken, name_in_event(core, now, co));
	return NULL;
}

void trace_ready(const struct co *co, bool woken)
{
#ifdef PLANT_UNSAID_WAKE
	if (woken)
		return; /* the fault */
#endif
	if (!trace_opens())
		return;
	/* A name takes more stack than the coroutine may have. */
	if (likely(!shared_get(co->name)))
		write_ready(core_here(), time_of_ready(core_here()), co, woken,
			    (uintptr_t)shared_get(co->fn));
	else
		core_call(ready_named, (void *)co, (void *)(uintptr_t)woken);
	look_end();
}

void trace_run(struct core *core, const struct co *next)
{
	uint64_t now = arch_clock();

	if (timeline->ring[core->index].timers != core->timers_after) {
		timeline->ring[core->index].timers = core->timers_after;
		write_event(core, TRACE_TIMER, now, 0, 0, 0);
	}
	if (next->frame)
		write_event(core, TRACE_INTERRUPT, now, next->id, UINT64_MAX, 0);
	write_switch(core, now, next);
}

#ifdef ARCH_EXPLORES

void trace_stop_always(struct core *core, const struct co *self)
{
	if (!trace_opens())
		return;
	write_stop(core, arch_clock(), self);
	look_end();
}

void trace_switch_always(struct core *core, const struct co *next)
{
	if (!trace_opens())
		return;
	if (next->frame)
		write_event(core, TRACE_INTERRUPT, arch_clock(), next->id, UINT64_MAX, 0);
	write_switch(core, arch_clock(), next);
	look_end();
}

#endif

/* ---- Channels ---- */

/* kind: with a peer, or without. */
static inline __attribute__((always_inline)) void trace_handed(const struct chan *c,
							       const struct co *peer,
							       enum trace_kind kind)
{
	struct core *core;
	struct trace_ring *ring;

	if (!trace_opens())
		return;
	core = core_here();
	ring = &timeline->ring[core->index];
	ring->now = ARCH_STAMP();
	write_event(core, kind, ring->now, id_here(core), (uintptr_t)c, peer ? peer->id : c->count);
	ring->served = peer ? ring->next : 0;
	look_end();
}

void trace_send(const struct chan *c, const struct co *peer)
{
	trace_handed(c, peer, peer ? TRACE_SEND_TO : TRACE_SEND);
}

void trace_receive(const struct chan *c, const struct co *peer)
{
	enum trace_kind with = c->capacity ? TRACE_RECEIVE_PUT : TRACE_RECEIVE_FROM;

	trace_handed(c, peer, peer ? with : TRACE_RECEIVE);
}

/* ---- On and off ---- */

static void *make_timeline(void *size, void *)
{
	size_t room = (size_t)size / sizeof(struct trace_event) / (size_t)machine.ncores;
	size_t head = (sizeof(*timeline) + PAGE_SIZE - 1) & -(size_t)PAGE_SIZE;
	uint32_t event_bits = 0;
	struct trace_event *events;
	struct timeline *t;

	while ((room >> event_bits) > 1 || (1 << event_bits) < LEAST_EVENTS)
		event_bits++;
	t = record_alloc("timeline",
			 head + (((size_t)machine.ncores * sizeof(*events)) << event_bits));
	if (!t) {
		log_warn("no memory for a timeline of %zu KB\n", (size_t)size / 1024);
		return NULL;
	}
	t->version = TRACE_VERSION;
	t->cores = (uint32_t)machine.ncores;
	t->events = 1u << event_bits;
	t->head = (uint32_t)head;
	t->began = arch_clock();
	events = (struct trace_event *)((char *)t + head);
	for (int i = 0; i < machine.ncores; i++) {
		t->ring[i].events = events + ((size_t)i << event_bits);
		t->ring[i].mask = t->events - 1;
	}
	timeline = t;
	return NULL;
}

static void set(bool on)
{
	trace_recording = on;
	smp = (uint8_t)((smp & SMP_CORES) | (on && !TRACE_ALWAYS ? SMP_TRACED : 0));
	for (int i = 0; !TRACE_ALWAYS && i < core_count(); i++)
		shared_set(cores[i]->traced, on);
}

/* vole.trace=ring, a size, or both with a comma. */
static void begin_by_option(const char *text)
{
	size_t size = USUAL_SIZE;
	char *end = NULL;

	prints = !strncmp(text, "ring", 4);
	if (*text && (!prints || text[4])) {
		const char *digits = prints ? text + 5 : text;

		size = prints && text[4] != ',' ? 0 : strtoul(digits, &end, 10);
		if (size && *end)
			size <<= *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 63;
		if (!size || (*end && end[1])) {
			log_warn("vole.trace=%s: ring, a size such as 8M, or both with a comma\n",
				 text);
			return;
		}
	}
	make_timeline((void *)size, NULL);
	by_option = timeline;
	set(timeline);
}

void trace_init(void)
{
	const char *text;

	look_begin();
	text = record_option("trace");
	if (text)
		begin_by_option(text);
	look_end();
}

/* For trace_start; of a machine with little memory no more than a part. */
static uintptr_t started_size(void)
{
	enum { PART = 8 };

	return page_available() / PART < STARTED_SIZE ? page_available() / PART : STARTED_SIZE;
}

void trace_start(void)
{
	call_outside_handler("trace_start");
	lock(&switching);
	look_begin();
	starts++;
	/* In the simulated machine only where its launcher gives memory for it: a run is to be the same without. */
	if (!timeline && (!TRACE_ALWAYS || machine.record_size))
		core_call(make_timeline, (void *)started_size(), NULL);
	if (timeline && !trace_recording)
		set(true);
	look_end();
	unlock(&switching);
}

void trace_stop(void)
{
	call_outside_handler("trace_stop");
	lock(&switching);
	if (starts)
		starts--;
	if (!starts && !by_option && trace_recording)
		set(false);
	unlock(&switching);
}

bool trace_active(void)
{
	call_outside_handler("trace_active");
	return trace_recording;
}

/* ---- Marks ---- */

static inline void mark(enum trace_kind kind, const char *name, uint64_t value, const char *call)
{
	call_outside_handler(call);
	if (!trace_recording)
		return;
	preempt_disable();
	trace_event(core_here(), kind, (uintptr_t)name, value);
	preempt_enable();
}

void trace_mark(const char *name)
{
	mark(TRACE_MARK, name, 0, "trace_mark");
}

void trace_begin(const char *name)
{
	mark(TRACE_BEGIN, name, 0, "trace_begin");
}

void trace_end(void)
{
	mark(TRACE_END, NULL, 0, "trace_end");
}

void trace_count(const char *name, int64_t value)
{
	mark(TRACE_COUNT, name, (uint64_t)value, "trace_count");
}

void trace_called_at(const char *name, int64_t descriptor)
{
	mark(TRACE_CALL, name, (uint64_t)descriptor, name);
}

void trace_returned_at(const char *name, int64_t result)
{
	mark(TRACE_RETURN, name, (uint64_t)result, name);
}

/* ---- In a panic ---- */

void trace_print_last(void)
{
	if (!prints || !trace_recording)
		return;
	trace_recording = false;
	recent_panic();
}
