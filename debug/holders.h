/* Who holds what coroutines wait for, where many are asked about in turn. */
#ifndef DEBUG_HOLDERS_H
#define DEBUG_HOLDERS_H

#include "debug/who.h"

/* A dump begins. */
void holders_begin(void);

enum holder_found { HOLDER_NOT_SOUGHT, HOLDER_ENDED, HOLDER_FOUND };

/* Fills *who with the coroutine that has this id and holds what waiter waits for. HOLDER_NOT_SOUGHT: it was asked too
 * often for coroutines that nobody could know before. Between slab_visit_begin and slab_visit_end; nopreempt > 0. */
enum holder_found holder_find(const struct co *waiter, uint64_t id, struct co_who *who);

#endif
