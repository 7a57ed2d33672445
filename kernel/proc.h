/*
 * Where a runnable coroutine may be: runnext, runq, ring, expired and urgent of a core (struct proc),
 * the urgent coroutines that any core may run, and the inbox of a core, until the scheduler there
 * files what is in it. The functions that are inline are the plain ones, for coroutines; the others
 * are the scheduler's where nothing else is said.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel/core.h"
#include "kernel/preempt.h"

/* How many cores run coroutines that are not pinned: those with a smaller index. When it changes,
 * all cores are to be interrupted. */
extern _Atomic int proc_count;

/* A bit for each core that sleeps and may be woken for work. */
extern _Atomic uint64_t proc_idle_mask;

static inline bool proc_idle_cores(void)
{
	return atomic_load_explicit(&proc_idle_mask, memory_order_relaxed) != 0;
}

static inline bool proc_enabled(const struct core *core)
{
	return core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);
}

/* The core that co belongs to: the one that it is pinned to; else this one, where it may run. */
static inline struct core *proc_home(struct core *core, const struct co *co)
{
	if (co->flags & CO_PINNED)
		return cores[co->pinned_core];
	return proc_enabled(core) ? core : cores[0];
}

/* How many wait in the queues of a proc, but for urgent ones. */
static inline size_t proc_own_len(const struct proc *proc)
{
	return runq_len(&proc->runq) + shared_get(proc->expired.count) +
	       steal_ring_len(&proc->ring);
}

/* Coroutines, too: what waits here goes to where idle cores can take it, and one of them is woken. */
void proc_share(struct core *core);

/* A coroutine: co, which belongs here, to the back of the queue. */
static inline void proc_put(struct core *core, struct co *co)
{
	if (unlikely(!runq_put(&core->proc.runq, co))) /* no memory */
		co_list_put(&core->proc.expired, co);
	if (unlikely(!core->proc.slice_armed))
		preempt_slice_begin(core);
	if (unlikely(proc_idle_cores()) && !(co->flags & CO_PINNED))
		proc_share(core);
}

/* A coroutine: co, which belongs here, runs next, in this slice. Whoever was to goes to the queue. */
static inline void proc_put_next(struct core *core, struct co *co)
{
	struct co *old = core->proc.runnext;

	shared_set(core->proc.runnext, co);
	if (unlikely(!core->proc.slice_armed))
		preempt_slice_begin(core);
	if (old)
		proc_put(core, old);
}

/* A coroutine, with no other attention than ATTENTION_TRACED: what runs next here where that is plain to see;
 * NULL: the scheduler knows. */
static inline struct co *proc_pick(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co = proc->runnext;

	if (co) { /* in its waker's slice */
		shared_set(proc->runnext, NULL);
		return co;
	}
	if (unlikely(!runq_can_get(&proc->runq)))
		return NULL;
	proc->ticks++;
	return runq_get_soon(&proc->runq);
}

/* A coroutine: self, which is current, could go to the back of the queue, and the first one be next. */
static inline bool proc_can_rotate(const struct core *core, const struct co *self)
{
	return !(shared_get(core->attention) || core->proc.runnext || self->flags & CO_URGENT) &&
	       runq_can_rotate(&core->proc.runq);
}

static inline struct co *proc_rotate(struct core *core, struct co *self)
{
	core->proc.ticks++;
	return runq_rotate(&core->proc.runq, self);
}

/* Anyone, interrupt handlers too: co to the inbox of the core it belongs to. */
void proc_send_away(struct core *core, struct co *co);

/* Takes what is in the inbox. */
void proc_receive(struct core *core);

/* co, which has become ready, to where it waits for its turn. */
void proc_file(struct core *core, struct co *co);

/* The same for one that has been preempted: behind all that have not used up a time slice. But not
 * for ever: see preempt_unexpire. */
void proc_file_expired(struct core *core, struct co *co);

/* One of those that have used up a time slice is as good as the others again. */
void proc_unexpire(struct core *core);

/* What runs next here; NULL: nothing without stealing. */
struct co *proc_pick_any(struct core *core);

/* Anyone: something is in the queues that proc_pick_any looks at. */
bool proc_waiting(const struct core *core);
bool proc_urgent_waiting(const struct core *core);

/* This core must not run others than pinned ones any more: gives its queues away. */
void proc_give_away(struct core *core);

/* idle.c. There is work that a sleeping core could take: wakes one, unless one is searching. False: none
 * sleeps. */
bool proc_notify(void);

/* Anyone: that core has to look at what is new for it. */
void proc_interrupt(struct core *to);

/* One from another core's ring, and others with it into this core's queue; NULL: there is none. From
 * any core with *searching, which says whether this core is counted among those that search. */
struct co *proc_search(struct core *core, bool *searching);
void proc_search_ends(const struct core *core, const struct co *found);

/* Sleeps until an interrupt. True: woken to search, and counted as a searcher already. */
bool proc_sleep(struct core *core);

/* scheduler.c: each core ends in it. */
_Noreturn void scheduler_run(struct core *core);

#endif
