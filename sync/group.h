/* Who is a member of which group. */
#ifndef SYNC_GROUP_H
#define SYNC_GROUP_H

#include <vole/task.h>

#include "kernel/co.h"

/* co, which does not run yet, becomes a member. NULL: of none. nopreempt > 0. See also group_leave in
 * kernel/outside.h. */
void group_enter(struct group *g, struct co *co);

#endif
