/*
 * Waiting for an object that somebody holds, so that a dump can say who. Between wait_object_shown
 * and wait_object_gone the object stays: a waiter that has been served may free it only after that.
 */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include <vole/sync.h>

#include "sync/wait.h"

/* The caller is about to wait for object. Before it returns, and the object may be freed, it calls
 * wait_object_gone. nopreempt > 0. */
void wait_object_shown(const void *object);
void wait_object_gone(void);

/* Who holds (see co.h) what co waits for; 0: nobody, or it is not known. From anywhere. */
uint64_t wait_holder(const struct co *co);

/* In the state of a mutex, beside its holder: somebody waits. */
#define MUTEX_WAITERS (UINT64_C(1) << 62)

/* Who holds m now (see co.h), or 0. */
uint64_t mutex_holder(const struct mutex *m);

#endif
