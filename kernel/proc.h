/*
 * Where runnable coroutines are: the queues of a proc, the list of urgent ones, stealing, and what a core
 * does when it has none.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel/core.h"

/* How many cores run coroutines that are not pinned: those with a smaller index. */
extern _Atomic int proc_count;
/* n of them: the old number. The others are to look at their queues again. */
int proc_set_count(int n);

/* Not 0: an urgent coroutine waits for any core, or some core is not to run coroutines: the paths
 * that do not look at these do not do. */
extern _Atomic size_t proc_attention;

void proc_put_elsewhere(struct core *core, struct co *co);
void proc_share(struct core *core);
struct co *proc_pick_slowly(struct core *core);
void sched_slice_arm(struct core *core);

/* Some core is idle. */
extern _Atomic uint64_t proc_idle_mask;

static inline bool proc_idle_cores(void)
{
	return atomic_load_explicit(&proc_idle_mask, memory_order_relaxed) != 0;
}

static inline bool proc_needs_attention(void)
{
	return atomic_load_explicit(&proc_attention, memory_order_relaxed) != 0;
}

/* How many wait in the queues of a proc, but for urgent ones. */
static inline size_t proc_own_len(const struct proc *proc)
{
	return runq_len(&proc->runq) + relaxed_get(proc->expired.count) +
	       steal_ring_len(&proc->ring);
}

/* The owner: co, which was runnable before, to the back of the queue of this core, or to where it
 * belongs; nobody else is told of it. */
static inline void proc_put_quietly(struct core *core, struct co *co)
{
	if (unlikely((co->flags & (CO_PINNED | CO_URGENT)) || proc_needs_attention() ||
		     !runq_put(&core->proc.runq, co)))
		proc_put_elsewhere(core, co);
	else if (unlikely(!core->proc.slice_armed))
		sched_slice_arm(core);
}

/* The same for one that others may have to help with. */
static inline void proc_put(struct core *core, struct co *co)
{
	proc_put_quietly(core, co);
	if (unlikely(proc_idle_cores()))
		proc_share(core);
}

/* The same for one that has been preempted: behind all that have not used up a time slice. But not
 * for ever: see proc_unexpire. */
void proc_put_expired(struct core *core, struct co *co);

/* One of those that have used up a time slice is as good as the others again. */
void proc_unexpire(struct core *core);

/* Anyone, interrupt handlers too: co to core, by its inbox. */
void proc_send(struct core *core, struct co *co);

/* The owner: takes what is in the inbox. */
void proc_receive(struct core *core);

/* The owner: what runs next here where that is plain to see, or NULL. */
static inline struct co *proc_pick_soon(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co = proc->runnext;

	if (unlikely(proc->special || proc_needs_attention()))
		return NULL;
	if (co) { /* in its waker's slice */
		relaxed_set(proc->runnext, NULL);
		return co;
	}
	if (unlikely(!runq_can_get(&proc->runq)))
		return NULL;
	proc->ticks++;
	return runq_get_soon(&proc->runq);
}

/* The owner: what runs next here, NULL: nothing without stealing. */
static inline struct co *proc_pick(struct core *core)
{
	struct co *co = proc_pick_soon(core);

	return co ? co : proc_pick_slowly(core);
}

/* The owner: self, which is current, could go to the back of the queue, and the first one be next. */
static inline bool proc_can_rotate(const struct core *core, const struct co *self)
{
	const struct proc *proc = &core->proc;

	return !(proc->special || proc_needs_attention() || proc->runnext ||
		 (self->flags & CO_URGENT)) &&
	       runq_can_rotate(&proc->runq);
}

static inline struct co *proc_rotate(struct core *core, struct co *self)
{
	core->proc.ticks++;
	return runq_rotate(&core->proc.runq, self);
}

/* The owner: something is in the queues that proc_pick looks at. */
bool proc_waiting(const struct core *core);
bool proc_urgent_waiting(const struct core *core);

/* There is work that a sleeping core could take: wakes one, unless one is searching. */
void proc_notify(void);

/* Has to look at what is new for it. */
void proc_interrupt(struct core *to);

/* This core must not run others than pinned ones any more: gives its queues away. */
void proc_give_away(struct core *core);

/* idle.c: what runs when nothing else does; each core ends in it. */
_Noreturn void proc_idle(struct core *core);

#endif
