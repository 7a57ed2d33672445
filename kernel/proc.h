/*
 * Where a runnable coroutine may be: runnext, runq, ring, expired and urgent of a core (struct proc),
 * the urgent coroutines that any core may run, and the inbox of a core, until the scheduler there
 * files what is in it. The functions that are inline are the plain ones, for coroutines; the others
 * are the scheduler's where nothing else is said.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel/core.h"

/* How many cores run coroutines that are not pinned: those with a smaller index. When it changes,
 * all cores are to be interrupted. */
extern _Atomic int proc_count;

/* A bit for each core that sleeps and may be woken for work. */
extern _Atomic uint64_t proc_idle_mask;

static inline uint64_t proc_idle_cores(void)
{
	return atomic_load_explicit(&proc_idle_mask, memory_order_relaxed);
}

static inline bool proc_enabled(const struct core *core)
{
	return core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);
}

/* The core that co belongs to: the one that it is pinned to; else this one, where it may run. */
static inline struct core *proc_home(struct core *core, const struct co *co)
{
	if (shared_get(co->flags) & CO_PINNED)
		return cores[co->pinned_core];
	return proc_enabled(core) ? core : cores[0];
}

/* How many wait in the queues of a proc, but for urgent ones. */
static inline size_t proc_own_len(const struct proc *proc)
{
	return runq_len(&proc->runq) + shared_get(proc->expired.count) +
	       steal_ring_len(&proc->ring);
}

/* preempt.c. Coroutines, too, where something begins to wait in the queues here: a time slice begins. */
void preempt_slice_begin(struct core *core);

/* Coroutines, too: one of those that have used up a slice is as good as the others again; the next comes
 * after some slices. */
void preempt_unexpire(struct core *core);

/* The slice of one that has been picked from a queue begins at core->now. whole: it has used up one. */
static inline void preempt_slice_picked(struct core *core, bool whole)
{
	core->proc.slice_new = false;
	core->proc.slice_whole = whole;
	core->proc.slice_began = core->now;
}

/* The scheduler looks at the slice of running; NULL: of one that has stopped. True: it is over, and
 * others wait. */
bool preempt_slice_over(struct core *core, const struct co *running);

/* Interrupts masked, right before arch_resume. What is resumed runs for a while before its slice ends,
 * and interrupts that came since the scheduler last looked are served by another, soon. */
void preempt_resume(struct core *core);

/* Coroutines, too: what waits here goes to where idle cores can take it, and one of them is woken. */
void proc_share(struct core *core);

/* To the back of the queue. */
static inline void proc_queue(struct proc *proc, struct co *co)
{
	if (unlikely(!runq_put(&proc->runq, co))) /* no memory */
		co_list_put(&proc->expired, co);
}

/* A coroutine: co, which belongs here, to the back of the queue. */
static inline void proc_put(struct core *core, struct co *co)
{
	proc_queue(&core->proc, co);
	if (unlikely(!core->proc.slice_armed))
		preempt_slice_begin(core);
	if (unlikely(proc_idle_cores()) && !(shared_get(co->flags) & CO_PINNED))
		proc_share(core);
}

/* A coroutine: co, which belongs here, runs next, in this slice. Whoever was to goes to the queue. */
static inline void proc_put_next(struct core *core, struct co *co)
{
	struct co *old = core->proc.runnext;

	shared_set(core->proc.runnext, co);
	if (old)
		proc_put(core, old);
	else if (unlikely(!core->proc.slice_armed))
		preempt_slice_begin(core);
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
	proc->slice_new = true;
	return runq_get_soon(&proc->runq);
}

/* Anyone, interrupt handlers too: co to the inbox of the core it belongs to. */
void proc_send_away(struct core *core, struct co *co);

/* Takes what is in the inbox. */
void proc_receive(struct core *core);

/* co, which has become ready, to where it waits for its turn. expired: it has used up a time slice, and
 * waits behind all that have not; but not for ever: see preempt_unexpire. */
void proc_file(struct core *core, struct co *co, bool expired);

/* The same for runnext, whose waker's slice is over. */
void proc_file_next(struct core *core);

/* What runs next here; NULL: nothing without stealing. */
struct co *proc_pick_any(struct core *core);

/* Anyone: something is in the queues that proc_pick_any looks at. */
bool proc_waiting(const struct core *core);
bool proc_urgent_waiting(const struct core *core);

/* This core must not run others than pinned ones any more: gives its queues away. */
void proc_give_away(struct core *core);

/* scheduler.c. There is work that a sleeping core could take: wakes one, unless one is searching. False:
 * none sleeps. */
bool proc_notify(void);

/* Each core ends in it. */
_Noreturn void scheduler_run(struct core *core);

#endif
