/*
 * Where runnable coroutines are: the queues of a proc, the global queue, stealing, and what a core
 * does when it has none.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel/core.h"

/* How many cores run coroutines that are not pinned: those with a smaller index. */
extern _Atomic int proc_count;

/* The owner: co to the back of the queue of this core, or to where it belongs. */
void proc_put(struct core *core, struct co *co);

/* The same for one that was runnable before: nobody else is told of it. */
void proc_put_quietly(struct core *core, struct co *co);

/* The same for one that has had its turn: behind those in the global queue too. */
void proc_put_back(struct core *core, struct co *co);

/* Anyone, interrupt handlers too: co to core, by its inbox. */
void proc_send(struct core *core, struct co *co);

/* The owner: takes what is in the inbox. */
void proc_receive(struct core *core);

/* The owner: the next to run here, NULL: nothing without stealing. */
struct co *proc_pick(struct core *core);

/* The owner: something is in the queues that proc_pick looks at. */
bool proc_waiting(const struct core *core);
bool proc_urgent_waiting(const struct core *core);

/* Some core is idle. */
bool proc_idle_cores(void);

/* There is work that a sleeping core could take: wakes one, unless one is searching. */
void proc_notify(void);

/* This core must not run others than pinned ones any more: gives its queues away. */
void proc_give_away(struct core *core);

/* What runs when nothing else does; each core ends in it. */
_Noreturn void proc_idle(struct core *core);

/* Coroutines in the global queue now. */
size_t proc_global_len(void);

#endif
