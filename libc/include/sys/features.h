/* What this system has beyond newlib's defaults for a bare machine: <time.h>, <sched.h> look here. */
#ifndef VOLE_SYS_FEATURES_H
#define VOLE_SYS_FEATURES_H

#include_next <sys/features.h>

#ifndef _POSIX_TIMERS
#define _POSIX_TIMERS 1 /* clock_gettime, nanosleep; no timer_create */
#endif
#ifndef _POSIX_MONOTONIC_CLOCK
#define _POSIX_MONOTONIC_CLOCK 200112L
#endif
#ifndef _POSIX_PRIORITY_SCHEDULING
#define _POSIX_PRIORITY_SCHEDULING 1 /* sched_yield; nothing else of <sched.h> */
#endif

#endif
