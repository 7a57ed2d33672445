/*
 * The flight recorder behind <vole/trace.h> and TRACE=: for each core a ring of events, in memory that is
 * read when the machine has ended (debug/record.h), by tools/timeline. The kernel says here what happens.
 * While nothing records that costs nothing: core->traced is a byte of core->attention, which has
 * what is plain take its slow path, and records there. The simulated machine calls all this always, and without a step, so
 * that a run is the same with and without a timeline.
 */
#ifndef DEBUG_TRACE_H
#define DEBUG_TRACE_H

#include "kernel/core.h"

enum { TRACE_VERSION = 2 };

/* As in tools/timeline. What co, a and b of an event are is said here; co is who runs, 0: nobody. */
enum trace_kind {
	TRACE_NONE,         /* not complete */
	TRACE_NAME,         /* co; a and b: the first 16 bytes of its name */
	TRACE_NAME_END,     /* the same: the others */
	TRACE_SWITCH,       /* to co; a: its function, 0: it has a name */
	TRACE_PARK,         /* a: enum wait_reason; b: the object */
	TRACE_YIELD,        /* co */
	TRACE_EXIT,         /* co; a: its function, 0: it has a name */
	TRACE_SPAWN,        /* a: the new one's id; b: its function, 0: it has a name */
	TRACE_READY,        /* the same, of one that is woken */
	TRACE_INTERRUPT,    /* co; a: the number, -1: any other than a device's */
	TRACE_TIMER,        /* timers have gone off */
	TRACE_IDLE,         /* the core sleeps */
	TRACE_STEAL,        /* a: from which core; b: how many */
	TRACE_FAULT,        /* co; a: the address: its stack grows */
	TRACE_SEND,         /* co; a: the channel; b: values in its buffer now */
	TRACE_SEND_TO,      /* co; a: the channel; b: who received it */
	TRACE_RECEIVE,      /* co; a: the channel; b: values in its buffer now */
	TRACE_RECEIVE_FROM, /* co; a: the channel; b: who sent it */
	TRACE_RECEIVE_PUT,  /* co; a: the channel; b: whose value took the place in the buffer */
	TRACE_CALL,         /* co; a: the call's name; b: the descriptor */
	TRACE_RETURN,       /* co; a: the call's name; b: its result */
	TRACE_MARK,         /* co; a: the name */
	TRACE_BEGIN,        /* co; a: the name */
	TRACE_END,          /* co */
	TRACE_COUNT,        /* co; a: the name; b: the value */
	TRACE_SAMPLE,       /* a: live coroutines; b: free bytes of memory */
	TRACE_KINDS
};

struct trace_event {
	uint64_t what; /* time << 8 | kind; written last */
	uint64_t co, a, b;
};

/* Written by its core alone, and interrupt handlers there. */
struct trace_ring {
	_Alignas(64) uintptr_t next; /* events so far: the last of them are in the ring */
	uintptr_t
		served; /* next, when a value had just been handed over: its peer is made ready now */
	uint64_t now;   /* of the last event of a coroutine */
	uint64_t timers;            /* core->timers_after, when it was looked at last */
	struct trace_event *events; /* constant, as mask: timeline->events - 1 */
	uintptr_t mask;
	struct {
		uint64_t id, at; /* a name was written last, for this id, as event at */
	} named[29];
};

/* The record "timeline"; rings of `events` events each follow. */
struct timeline {
	uint32_t version, cores;
	uint32_t events; /* of a ring, a power of 2 */
	uint32_t head;   /* bytes of this struct */
	uint64_t began;
	_Atomic uint64_t sample_at;
	/* The last sample, for rings that do not go back so far. Two cores may take one at a time: a mix serves as well. */
	struct {
		uint64_t time, live, free;
	} sampled;
	struct trace_ring ring[MAX_CORES];
};

extern struct timeline *timeline; /* NULL: there has been none */

/* At boot, by vole.trace=; and for each core that comes up. */
void trace_init(void);

/* All that follow: by code that runs on its core with nopreempt > 0, or an interrupt handler there. */

/* A coroutine with core->attention stops: says so. Whoever it is to switch to; NULL: the scheduler. */
struct co *trace_next(void);
/* co is made ready, or starts; before anybody can run it. */
void trace_ready(const struct co *co, bool woken);
/* The scheduler runs next. */
void trace_run(struct core *core, const struct co *next);
/* The channel has given a value to peer, or taken one of peer, who waited; NULL: nobody did. */
struct chan;
void trace_send(const struct chan *c, const struct co *peer);
void trace_receive(const struct chan *c, const struct co *peer);
/* Anything else, by who runs here. */
void trace_event(struct core *core, enum trace_kind kind, uint64_t a, uint64_t b);

#ifdef ARCH_EXPLORES

enum { TRACE_ALWAYS = 1 };
void trace_stop_always(struct core *core, const struct co *self);
void trace_switch_always(struct core *core, const struct co *next);
#define trace_ready_always(co, woken)  trace_ready(co, woken)
#define trace_always(core, kind, a, b) trace_event(core, kind, a, b)

#else

enum { TRACE_ALWAYS = 0 };
#define trace_stop_always(core, self)   ((void)0)
#define trace_switch_always(core, next) ((void)0)
#define trace_ready_always(co, woken)   ((void)0)
#define trace_always(core, kind, a, b)  ((void)0)

#endif

static inline bool traced(const struct core *core)
{
	return TRACE_ALWAYS || unlikely(shared_get(core->traced));
}

/* Calls of files and sockets: around them, by their coroutine. trace_returned gives back result. */
extern bool trace_recording;
void trace_called_at(const char *name, int64_t descriptor);
void trace_returned_at(const char *name, int64_t result);

static inline void trace_called(const char *name, int64_t descriptor)
{
	if (unlikely(trace_recording))
		trace_called_at(name, descriptor);
}

static inline long trace_returned(const char *name, long result)
{
	if (unlikely(trace_recording))
		trace_returned_at(name, result);
	return result;
}

/* Prints the last events, in a panic, where vole.trace=ring asks for that. */
void trace_print_last(void);

#endif
