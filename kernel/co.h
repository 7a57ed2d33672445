/*
 * struct co: a coroutine. Its memory is type-stable (it always is a struct co, also after its end),
 * so a stale pointer may be looked at, and its id tells whether it still is the same.
 */
#ifndef KERNEL_CO_H
#define KERNEL_CO_H

#include <stdatomic.h>

#include <vole/go.h>

#include "arch/arch.h"
#include "kernel/shared.h"

enum co_state {
	CO_FREE, /* not in use */
	CO_RUNNABLE,
	CO_RUNNING,
	CO_WAITING,
	CO_ENDED, /* its successor frees it */
};

enum co_on_core {
	CO_OFF,
	CO_ON,            /* its stack is in use; its successor sets CO_OFF */
	CO_NEW,           /* it has not run yet */
	CO_OFF_TRIMMABLE, /* CO_OFF, and trimmable: see stack.c */
	CO_OFF_FRAME,     /* CO_OFF, and preempted: it has a frame */
};

enum co_flags {
	CO_PINNED = 1,
	CO_URGENT = 2,
	CO_SHIELDED = 4,
	CO_KERNEL = 8,       /* a core's scheduler: not the program's */
	CO_MEMBER = 16,      /* of a group, which its result is for */
	CO_COUNTED = 32,     /* its end is in core->exited */
	CO_CANCELLABLE = 64, /* cancellation ends its wait; set and looked at under cancel_lock */
};

#define likely(cond)   __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)

/* A stack_kind from this one on: not a slot, and it does not grow; above it, in a block (exact.c). */
enum { STACK_FIXED = 21 };

struct co {
	/* A cache line with all that a switch touches. sp is first: arch_switch stores there. */
	void *sp;
	uint32_t nopreempt;      /* > 0: stays on this core; written by the coroutine itself only */
	uint8_t need_resched;    /* an interrupt wanted to preempt; see preempt_enable */
	uint8_t state;           /* enum co_state */
	uint8_t flags;           /* enum co_flags; from its start on by the coroutine itself */
	uint8_t wait_reason;     /* enum wait_reason, while CO_WAITING */
	struct core *core;       /* where it runs, or ran last */
	struct co *next;         /* in a list, or an inbox */
	void *frame;             /* not NULL: it was preempted, and this is its frame */
	_Atomic uint8_t on_core; /* enum co_on_core */
	uint8_t pinned_core;     /* with CO_PINNED */
	uint8_t stack_kind;      /* see stack.c; constant */
	uint8_t trimmable;       /* not 0: much of its stack is mapped; see stack.c */
	int error;               /* errno */
	uint64_t cpu_ns;         /* how long it has run until core->now */
	uint64_t holder;         /* whom its locks are said to belong to; see below */

	/* What waiting touches. The group is constant from the start on, but for the end. */
	_Alignas(64) struct group *group;
	union {
		const void *wait_object; /* for dumps, as wait_since */
		void *arg;               /* of fn, until it starts */
	};
	uint64_t wait_since;
	_Atomic intptr_t claim; /* of its wait: see sync/wait.h */
	struct spinlock cancel_lock;
	uint32_t started_at; /* a place in the code: where go, or its like, was called; constant */
	struct defer *defers;
	go_fn *at_end; /* called with end_arg when it has ended; nopreempt == 1 */
	go_fn *fn;     /* constant, as the next three */

	uint64_t id; /* never used again; 0: a core's scheduler */
	void *end_arg;
	uintptr_t stack_top;
	struct co_name *name;   /* NULL: the symbol of fn */
	uintptr_t stack_mapped; /* the lowest mapped address; written by the fault handler */
	struct _reent *reent;   /* newlib's state, from the first time it asks */
	struct co *group_next, **group_link; /* guarded by the group's lock */
};

_Static_assert(sizeof(struct co) <= 192, "struct co is too large");

/*
 * A lock names its holder by co->holder, which is never used again: the id, or, for a core's
 * scheduler (which tries locks in functions of irq_defer), HOLDER_CORE and the core's number.
 * The highest bit stays clear for those that may wait.
 */
#define HOLDER_CORE (UINT64_C(1) << 63)

/* What co->holder is while an application's interrupt handler runs in place of co: no lock can be
 * had so, and the public calls look at it (calls.h). */
#define HOLDER_HANDLER UINT64_MAX

void co_init(void);

/* The scheduler of core, which never is preempted. Its stack is given; setup alone, before
 * there is memory, for the core that boots. */
struct co *co_make_scheduler(struct core *core, uintptr_t stack_top, size_t size);
void co_scheduler_setup(struct co *co, struct core *core);

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

/* Runs what go_defer registered for the calling coroutine. */
void co_run_deferred(void);

/* Makes a coroutine that is not yet runnable, or NULL; the caller sets started_at. bound: how deep
 * it can go, see bounds.h; 0: not known, its stack grows up to limit bytes, 0 for the default. It gets
 * the argument arg, or a copy of size bytes on its stack. name: NULL for none. nopreempt > 0. */
struct co *co_make(go_fn *fn, void *arg, size_t bound, size_t limit, struct co_name *name);
struct co *co_make_copy(go_fn *fn, const void *copy, size_t size, size_t bound);

/* For started_at, in a function that the program calls: where it has called it. */
#define CO_CALLED_AT ((uint32_t)(uintptr_t)__builtin_return_address(0))

/* From here on the statistics count co as ended. nopreempt > 0. */
void co_count_end(struct co *co);

/* Gives back all that co holds. By its successor, or by its maker where it was not started. */
void co_free(struct co *co);

/* Calls visit for every struct co ever made that is in use, in no order. */
void co_each(void (*visit)(struct co *co, void *arg), void *arg);

/* A FIFO of coroutines for those who have a lock, or are alone; by their next. first and count are
 * read by anyone. */
struct co_list {
	struct co *first, *last;
	size_t count;
};

void co_list_put(struct co_list *list, struct co *co);
struct co *co_list_get(struct co_list *list);

/* It has stopped, or has yet to begin. For those who only look: it may go on at any time. */
static inline bool co_is_off(const struct co *co)
{
	return atomic_load_explicit(&co->on_core, memory_order_relaxed) != CO_ON;
}

#endif
