/*
 * struct co: a coroutine. Its memory is type-stable (it always is a struct co, also after its end),
 * so a stale pointer may be looked at, and its id tells whether it still is the same.
 */
#ifndef KERNEL_CO_H
#define KERNEL_CO_H

#include <stdatomic.h>

#include <vole/go.h>

#include "arch/arch.h"

enum co_state {
	CO_FREE, /* not in use */
	CO_RUNNABLE,
	CO_RUNNING,
	CO_WAITING,
	CO_ENDED, /* its successor frees it */
};

enum co_flags {
	CO_PINNED = 1,
	CO_URGENT = 2,
	CO_SHIELDED = 4,
	CO_KERNEL = 8,   /* a core's idle coroutine: not the program's */
	CO_COUNTED = 16, /* its end is in core->exited */
};

struct co {
	/* What a switch touches. sp is first: arch_switch stores there. */
	void *sp;
	uint32_t nopreempt;   /* > 0: stays on this core; written by the coroutine itself only */
	uint8_t need_resched; /* an interrupt wanted to preempt; see preempt_enable */
	uint8_t state;        /* enum co_state */
	uint8_t flags;        /* enum co_flags */
	uint8_t wait_reason;  /* enum wait_reason, while CO_WAITING */
	struct core *core;    /* where it runs, or ran last */
	struct co *next;      /* in a run queue, or an inbox */
	void *frame;          /* not NULL: it was preempted, and this is its frame */
	_Atomic uint32_t on_core; /* its stack is in use; cleared by its successor */
	int32_t pinned_core;      /* with CO_PINNED */

	/* Constant from its start on. */
	uint64_t id;
	go_fn *fn;
	void *arg;
	uintptr_t stack_base; /* of its guard page: the limit is top - base - PAGE_SIZE */
	uintptr_t stack_top;

	/* Its own. */
	uintptr_t stack_mapped; /* the lowest mapped address; written by the fault handler */
	char *name;             /* NULL: the symbol of fn */
	struct _reent *reent;   /* newlib's state, from the first time it asks */
	int error;              /* errno while there is no reent */
	struct defer *defers;

	/* Its group; constant after its start. */
	struct group *group;
	struct co *group_next, **group_link; /* guarded by the group's lock */
	struct spinlock cancel_lock;
	struct wait *wait; /* guarded by cancel_lock: what cancellation ends */

	/* Written by itself before it waits, read by dumps. */
	const void *wait_object;
	uint64_t wait_since;
	uint64_t cpu_ns, run_since;
};

_Static_assert(sizeof(struct co) <= 256, "struct co is too large");

void co_init(void);

/* The idle coroutine of core, which never is preempted. Its stack is given; setup alone, before
 * there is memory, for the core that boots. */
struct co *co_make_idle(struct core *core, void *stack, size_t size);
void co_idle_setup(struct co *co, struct core *core);

/* A call to make when the coroutine ends. */
struct defer {
	struct defer *next;
	go_fn *fn;
	void *arg;
	bool from_heap;
};

/* As go_defer, with a record that the caller provides: it lives until fn is called. */
void co_defer(struct defer *defer, go_fn *fn, void *arg);

/* Takes it back. */
void co_undefer(const struct defer *defer);

/* Runs what go_defer registered for the calling coroutine, down to last; NULL: all. */
void co_run_deferred(const struct defer *last);

/* Makes a coroutine that is not yet runnable, or NULL. stack_limit: 0 for the default. */
struct co *co_make(go_fn *fn, void *arg, size_t stack_limit, const void *copy, size_t copy_size);

/* As go, to the back of the queue. From the scheduler. */
int go_last(go_fn *fn, void *arg);

/* As go_copy, as a member of group (NULL: none). */
int go_member(struct group *group, go_fn *fn, const void *copy, size_t size);

/* Gives back what it holds; by its successor, or by who made it and did not start it. */
void co_free(struct co *co);

/* In starter, which runs fn for somebody: the calling coroutine is named after fn. */
static inline void co_named_after(go_fn *starter, uintptr_t fn)
{
	struct co *self = arch_current();

	if (self->fn == starter)
		self->fn = (go_fn *)fn;
}

/* Its name: the given one, or the symbol of its function. */
const char *co_name(const struct co *co);

/* Calls visit for every struct co ever made that is in use, in no order. */
void co_each(void (*visit)(struct co *co, void *arg), void *arg);

#endif
