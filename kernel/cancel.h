/* Who is a member of which group; group_cancel, which ends their waits, is in vole/task.h. */
#ifndef KERNEL_CANCEL_H
#define KERNEL_CANCEL_H

#include <vole/task.h>

#include "kernel/co.h"

/* co, which does not run yet, becomes a member. NULL: of none. nopreempt > 0. */
void group_enter(struct group *g, struct co *co);

/* co has ended, or will never start: it is no member any more. */
void group_leave(struct co *co);

#endif
