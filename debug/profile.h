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

#include "kernel/core.h"

enum profile_kind { PROFILE_CPU, PROFILE_WAIT, PROFILE_CONTENTION, PROFILE_ALLOC, PROFILE_KINDS };

/* Begins where vole.profile= says so: on the core that boots, before the others are started. */
void profile_init(void);

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
