/* Finding out that no coroutine can ever run again. */
#ifndef DEBUG_STUCK_H
#define DEBUG_STUCK_H

#include <stdbool.h>

/* Timers that are pending and will wake nobody who waits: they do not keep a machine alive. */
extern _Atomic int background_timers;

/* A core begins and ends to be idle. */
void stuck_enter_idle(void);
void stuck_leave_idle(void);

/* From a core that is idle and found nothing: panics when all are, and nothing can change that.
 * Ends the machine when no coroutine is left. True: there is work now. */
bool stuck_check(void);

/* main runs from here on. */
void stuck_started(void);

#endif
