/* Who a coroutine is, for dumps and messages. */
#ifndef DEBUG_WHO_H
#define DEBUG_WHO_H

#include "kernel/co.h"

/* The name of co: the given one, or the symbol of its function. Only of a coroutine that cannot end
 * meanwhile. */
const char *co_name(const struct co *co);

/* What is known of a coroutine that runs elsewhere, and may end. */
struct co_who {
	uint64_t id; /* 0: a core's idle coroutine */
	char name[NAME_SIZE];
};

/* Fills *who. Between slab_visit_begin and slab_visit_end. False: co has ended, and its memory may be
 * another's by now. */
bool co_look(const struct co *co, struct co_who *who);

/* The same for the coroutine with this id. */
bool co_find(uint64_t id, struct co_who *who);

/* Ends the machine for what was done ("unlock of a mutex that") to object, which holder holds. */
_Noreturn void co_panic_held(const char *what, uint64_t holder, const void *object);

#endif
