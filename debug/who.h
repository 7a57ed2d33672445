/* Who a coroutine is, and what it waits for, for dumps and messages. */
#ifndef DEBUG_WHO_H
#define DEBUG_WHO_H

#include "kernel/co.h"

/* A name that was given. Its memory is type-stable: a look at a coroutine that ends meanwhile may find
 * another's name, but nothing else. */
enum { NAME_SIZE = 32 };
struct co_name {
	uint64_t words[NAME_SIZE / sizeof(uint64_t)]; /* zero at the end */
};

void co_names_init(void);

/* NULL: no memory. nopreempt > 0. */
struct co_name *co_name_make(const char *text);
void co_name_free(struct co_name *name);

/* In starter, which runs fn for somebody: the calling coroutine is named after fn. */
static inline void co_named_after(go_fn *starter, uintptr_t fn)
{
	struct co *self = arch_current();

	if (self->fn == starter)
		shared_set(self->fn, (go_fn *)fn);
}

/* The name of co: the given one, or the symbol of its function. Only of a coroutine that cannot end
 * meanwhile. */
const char *co_name(const struct co *co);

/* What is known of a coroutine that runs elsewhere, and may end. */
struct co_who {
	uint64_t id; /* 0: a core's scheduler */
	char name[NAME_SIZE];
};

/* Fills *who. Between slab_visit_begin and slab_visit_end. False: co has ended, and its memory may be
 * another's by now. */
bool co_look(const struct co *co, struct co_who *who);

/* The same for the coroutine with this id. */
bool co_find(uint64_t id, struct co_who *who);

/* Ends the machine for what was done ("unlock of a mutex that") to object, which holder holds. */
_Noreturn void co_panic_held(const char *what, uint64_t holder, const void *object);

/* What a coroutine waits for. */
enum wait_reason {
	WAIT_NONE,
	WAIT_SLEEP,
	WAIT_CHAN_SEND,
	WAIT_CHAN_RECV,
	WAIT_SELECT,
	WAIT_SELECT_NONE,
	WAIT_MUTEX,
	WAIT_RWMUTEX_READ,
	WAIT_RWMUTEX_WRITE,
	WAIT_COND,
	WAIT_WAITGROUP,
	WAIT_SEMA,
	WAIT_EVENT,
	WAIT_GROUP,
	WAIT_FUTURE,
	WAIT_POOL,
	WAIT_GEN,
	WAIT_SOCKET,
	WAIT_REASONS,
};

/* As dumps show it: "chan receive", ... */
extern const char *const wait_reason_names[WAIT_REASONS];

#endif
