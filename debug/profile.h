/*
 * What PROFILE= writes: how much of what was spent where. Each core has a table of its own, in memory that
 * the launcher reads when the machine has stopped (tools/prof). An entry is a stack with the name of
 * its coroutine and the place where that was started, and has how often it was seen, and how much of nanoseconds or
 * bytes that is. What has no room is counted as lost.
 */
#ifndef DEBUG_PROFILE_H
#define DEBUG_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "debug/who.h"
#include "kernel/core.h"

enum profile_kind { PROFILE_CPU, PROFILE_WAIT, PROFILE_CONTENTION, PROFILE_ALLOC, PROFILE_KINDS };

enum { PROFILE_FRAMES = 48 };

struct profile_stack {
	uint64_t count, value; /* how often; nanoseconds, or bytes */
	uint64_t fn;           /* of the coroutine, whose name it is if name is empty */
	uint64_t spawned;      /* where it was started; 0: not known */
	uint32_t hash;
	uint8_t kind, reason; /* enum profile_kind, enum wait_reason */
	uint16_t frames;
	char name[NAME_SIZE];
	uint64_t pc[]; /* see callers.h */
};

/* Begins where vole.profile= says so: on the core that boots, before the others are started. */
void profile_init(void);

/* For a while (profiled.c): all cores take samples of processor time, and of waits, from when one returns until the
 * other does; the calling coroutine goes to each core. One caller at a time. 0; -ENOTSUP: the port cannot; -EBUSY:
 * they are taken for all of the run; -ENOMEM. The memory is kept for the next time. */
int profile_start(uint64_t period);
void profile_stop(void);
/* All that was counted between these. */
void profile_each(void (*visit)(const struct profile_stack *s, void *arg), void *arg);

/* The scheduler: next, which has left its stack, is about to go on. Where each switch is the scheduler's. */
void profile_resumes(struct core *core, struct co *next);

/* The program allocates so many bytes. From anywhere but interrupt handlers. */
void profile_allocated_slowly(size_t bytes);
extern bool profile_allocs; /* constant once the cores run */

static inline void profile_allocated(size_t bytes)
{
	if (unlikely(profile_allocs))
		profile_allocated_slowly(bytes);
}

/* Others want each switch to be the scheduler's, until as many calls have said false. */
void profile_watch_switches(bool on);

#endif
