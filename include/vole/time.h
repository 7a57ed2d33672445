/* Time: nanoseconds of the monotonic clock since the machine was switched on. */
#ifndef VOLE_TIME_H
#define VOLE_TIME_H

#include <vole/types.h>

/* Anywhere; monotonic across cores. */
uint64_t time_now(void);

/* 0; -ECANCELED. 0 ns, and a deadline in the past, return at once. */
int time_sleep(uint64_t ns);
int time_sleep_until(uint64_t deadline);

#endif
