/*
 * The queues of a core, the urgent ones of all, and what goes from one to the other. What a core does when
 * it has nothing to run is in idle.c.
 */
#include "kernel/proc.h"

#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/slab.h"

_Atomic int proc_count = 1;
_Atomic size_t proc_attention;

/* The urgent coroutines that any core may run. */
static struct {
	struct spinlock lock;
	struct co_list list;    /* guarded by lock */
	_Atomic size_t waiting; /* how many are in it, for looking without the lock */
} urgent;

/* With the lock. */
static void urgent_counts(void)
{
	size_t disabled =
		(size_t)(core_count - atomic_load_explicit(&proc_count, memory_order_relaxed));

	atomic_store_explicit(&urgent.waiting, urgent.list.count, memory_order_relaxed);
	atomic_store_explicit(&proc_attention, urgent.list.count + disabled, memory_order_relaxed);
}

int proc_set_count(int n)
{
	int old;

	lock(&urgent.lock);
	old = atomic_exchange_explicit(&proc_count, n, memory_order_relaxed);
	urgent_counts();
	unlock(&urgent.lock);
	return old;
}

static bool proc_enabled(const struct core *core)
{
	return core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);
}

static void urgent_put(struct co *co)
{
	spin_lock(&urgent.lock);
	co_list_put(&urgent.list, co);
	urgent_counts();
	spin_unlock(&urgent.lock);
}

static struct co *urgent_get(void)
{
	if (!atomic_load_explicit(&urgent.waiting, memory_order_relaxed))
		return NULL;
	spin_lock(&urgent.lock);

	struct co *co = co_list_get(&urgent.list);

	urgent_counts();
	spin_unlock(&urgent.lock);
	return co;
}

static bool proc_urgent_anywhere(void)
{
	return atomic_load_explicit(&urgent.waiting, memory_order_relaxed) != 0;
}

bool proc_urgent_waiting(const struct core *core)
{
	return relaxed_get(core->proc.urgent.first) ||
	       (proc_enabled(core) && proc_urgent_anywhere());
}

bool proc_waiting(const struct core *core)
{
	return relaxed_get(core->proc.runnext) || proc_own_len(&core->proc) ||
	       proc_urgent_waiting(core);
}

/* An urgent coroutine waits that any core may run: some core is to take it now. */
static void notify_urgent(struct core *core)
{
	struct co *self = arch_current();
	int enabled = atomic_load_explicit(&proc_count, memory_order_relaxed);

	/* seq_cst: with the fence in sleep. */
	atomic_thread_fence(memory_order_seq_cst);
	if (proc_idle_cores()) {
		proc_notify();
		return;
	}
	if (core->index < enabled && !(self->flags & (CO_URGENT | CO_KERNEL))) {
		self->need_resched = true; /* when preemption is on again */
		return;
	}
	for (int i = 0; i < enabled; i++) {
		const struct co *there;
		bool makes_way;

		if (cores[i] == core)
			continue;
		slab_visit_begin(); /* it may end meanwhile, but is still a coroutine */
		there = atomic_load_explicit(&cores[i]->running, memory_order_relaxed);
		makes_way = there && !(relaxed_get(there->flags) & CO_URGENT);
		slab_visit_end();
		if (makes_way) {
			proc_interrupt(cores[i]);
			return;
		}
	}
}

/* Where co is to run: the core that it is pinned to; else this one, or one that runs others too. */
static struct core *home_of(struct core *core, const struct co *co)
{
	if (co->flags & CO_PINNED)
		return cores[co->pinned_core];
	return proc_enabled(core) ? core : cores[0];
}

static void put_here(struct proc *proc, struct co *co)
{
	if (!runq_put(&proc->runq, co)) /* no memory */
		co_list_put(&proc->expired, co);
}

static void *put_elsewhere(void *here, void *what)
{
	struct core *core = here;
	struct co *co = what;
	struct core *home = home_of(core, co);
	struct proc *proc = &core->proc;

	if (home != core) {
		proc_send(home, co);
		return NULL;
	}
	if (co->flags & CO_PINNED && co->flags & CO_URGENT) {
		co_list_put(&proc->urgent, co);
		proc->special = true;
		arch_current()->need_resched = true;
	} else if (co->flags & CO_URGENT) {
		urgent_put(co);
		notify_urgent(core);
	} else {
		put_here(proc, co);
	}
	if (!proc->slice_armed)
		sched_slice_arm(core);
	return NULL;
}

void proc_put_elsewhere(struct core *core, struct co *co)
{
	core_call(put_elsewhere, core, co);
}

void proc_put_expired(struct core *core, struct co *co)
{
	/* Who only made way for an urgent one has not used up its slice. */
	if (co->flags & CO_URGENT || proc_urgent_waiting(core) || home_of(core, co) != core)
		proc_put_quietly(core, co);
	else
		co_list_put(&core->proc.expired, co);
	if (!core->proc.slice_armed && proc_waiting(core))
		sched_slice_arm(core);
}

void proc_unexpire(struct core *core)
{
	struct co *co = co_list_get(&core->proc.expired);

	if (co)
		proc_put_quietly(core, co);
}

/* Those that others may run go to the ring, as long as there is room; the others stay in order. */
static void *share(void *from, void *unused)
{
	struct proc *proc = &((struct core *)from)->proc;
	struct co *co;

	(void)unused;
	for (uint32_t n = runq_len(&proc->runq); n && steal_ring_room(&proc->ring); n--) {
		co = runq_get(&proc->runq);
		if (!(co->flags & CO_PINNED))
			steal_ring_put(&proc->ring, co);
		else
			put_here(proc, co);
	}
	for (size_t n = proc->expired.count; n && steal_ring_room(&proc->ring); n--) {
		co = co_list_get(&proc->expired);
		if (!(co->flags & CO_PINNED))
			steal_ring_put(&proc->ring, co);
		else
			co_list_put(&proc->expired, co);
	}
	proc->special = true;
	if (steal_ring_len(&proc->ring) || proc_urgent_anywhere())
		proc_notify();
	return NULL;
}

void proc_share(struct core *core)
{
	core_call(share, core, NULL);
}

void proc_send(struct core *to, struct co *co)
{
	_Atomic(struct co *) *inbox = &to->proc.inbox;
	struct co *first = atomic_load_explicit(inbox, memory_order_relaxed);

	do
		co->next = first;
	/* release: with the acquire in proc_receive. */
	while (!atomic_compare_exchange_weak_explicit(inbox, &first, co, memory_order_release,
						      memory_order_relaxed));
	if (to == core_here())
		relaxed_set(to->irq_pending, true); /* an interrupt handler: irq_exit comes next */
	else
		proc_interrupt(to);
}

void proc_receive(struct core *core)
{
	irq_run_deferred(core);
	if (!atomic_load_explicit(&core->proc.inbox, memory_order_relaxed))
		return;

	/* acquire: with the release in proc_send. */
	struct co *co = atomic_exchange_explicit(&core->proc.inbox, NULL, memory_order_acquire);
	struct co *in_order = NULL;

	while (co) {
		struct co *next = co->next;

		co->next = in_order;
		in_order = co;
		co = next;
	}
	while ((co = in_order)) {
		in_order = co->next;
		proc_put(core, co);
	}
}

static void *pick_slowly(void *arg, void *unused)
{
	struct core *core = arg;
	struct proc *proc = &core->proc;
	struct co *co = NULL;

	(void)unused;
	proc->special = proc->urgent.first || steal_ring_len(&proc->ring);
	if (proc_urgent_waiting(core)) {
		co = co_list_get(&proc->urgent);
		if (!co && proc_enabled(core))
			co = urgent_get();
	}
	if (!co && (co = proc->runnext)) { /* in its waker's slice */
		relaxed_set(proc->runnext, NULL);
		return co;
	}
	/* What is in the ring is older. */
	if (!co && !steal_ring_take(&proc->ring, &co, 1, true) && !(co = runq_get(&proc->runq)))
		co = co_list_get(&proc->expired);
	if (co)
		proc->ticks++;
	return co;
}

struct co *proc_pick_slowly(struct core *core)
{
	return core_call(pick_slowly, core, NULL);
}

void proc_give_away(struct core *core)
{
	/* No more than there are: the core may be let in again meanwhile, and put them back. */
	for (size_t n = proc_own_len(&core->proc) + 1; n; n--) {
		struct proc *proc = &core->proc;
		struct co *co = proc->runnext;

		if (co)
			relaxed_set(proc->runnext, NULL);
		else if (!steal_ring_take(&proc->ring, &co, 1, true) &&
			 !(co = runq_get(&proc->runq)))
			co = co_list_get(&proc->expired);
		if (co)
			proc_put(core, co);
	}
}
