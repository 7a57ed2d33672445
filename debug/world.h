/*
 * The world stands still: every core but one is in its scheduler, with the registers of what it ran put
 * away. So whoever looks at coroutines and at memory finds nothing half done.
 */
#ifndef DEBUG_WORLD_H
#define DEBUG_WORLD_H

#include <stdbool.h>

#include <vole/sync.h>

#include "kernel/shared.h"

/* All other cores stop at the next place where they serve interrupts; they stay there until
 * world_go_on. False: one of them has not come there, and the world goes on. The caller holds world_lock;
 * nopreempt > 0 until world_go_on. */
extern struct mutex world_lock;
bool world_stop(void);
void world_go_on(void);

extern bool world_stopping;

/* A core's scheduler, which holds nothing: stays here as long as the world stands still. */
void world_wait(void);

#endif
