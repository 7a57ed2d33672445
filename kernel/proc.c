/*
 * The queues of a core, and what goes from one to the other. What a core does when it has nothing to
 * run is in idle.c.
 */
#include "kernel/proc.h"

#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/slab.h"

_Atomic int proc_count = 1;

/* The urgent coroutines that any core may run. */
static struct {
	struct spinlock lock;
	struct co_list list;    /* guarded by lock */
	_Atomic size_t waiting; /* how many are in it, for looking without the lock */
} urgent;

static void urgent_put(struct co *co)
{
	spin_lock(&urgent.lock);
	co_list_put(&urgent.list, co);
	atomic_store_explicit(&urgent.waiting, urgent.list.count, memory_order_relaxed);
	spin_unlock(&urgent.lock);
}

static struct co *urgent_get(void)
{
	if (!atomic_load_explicit(&urgent.waiting, memory_order_relaxed))
		return NULL;
	spin_lock(&urgent.lock);

	struct co *co = co_list_get(&urgent.list);

	atomic_store_explicit(&urgent.waiting, urgent.list.count, memory_order_relaxed);
	spin_unlock(&urgent.lock);
	return co;
}

bool proc_urgent_waiting(const struct core *core)
{
	return shared_get(core->proc.urgent.first) ||
	       (proc_enabled(core) && atomic_load_explicit(&urgent.waiting, memory_order_relaxed));
}

bool proc_waiting(const struct core *core)
{
	return shared_get(core->proc.runnext) || proc_own_len(&core->proc) ||
	       proc_urgent_waiting(core);
}

static void look_elsewhere(struct core *core)
{
	core->elsewhere = !proc_enabled(core) || core->proc.urgent.first ||
			  atomic_load_explicit(&urgent.waiting, memory_order_relaxed) ||
			  steal_ring_len(&core->proc.ring);
}

static bool makes_way(const struct core *core)
{
	bool makes_way;

	slab_visit_begin(); /* what runs there may end meanwhile, but is still a coroutine */

	const struct co *there = atomic_load_explicit(&core->running, memory_order_relaxed);

	makes_way = there && !(shared_get(there->flags) & CO_URGENT);
	slab_visit_end();
	return makes_way;
}

/* An urgent coroutine waits that any core may run: has one take it now. This one looks itself. */
static void notify_urgent(struct core *core)
{
	int enabled = atomic_load_explicit(&proc_count, memory_order_relaxed);

	if (makes_way(core) || proc_notify())
		return;
	for (int i = 0; i < enabled; i++)
		if (cores[i] != core && makes_way(cores[i])) {
			proc_interrupt(cores[i]);
			return;
		}
}

static void send(struct core *to, struct co *co)
{
	_Atomic(struct co *) *inbox = &to->proc.inbox;
	struct co *first = atomic_load_explicit(inbox, memory_order_relaxed);

	do
		co->next = first;
	/* release: with the acquire in proc_receive. */
	while (!atomic_compare_exchange_weak_explicit(inbox, &first, co, memory_order_release,
						      memory_order_relaxed));
	if (to != core_here()) {
		proc_interrupt(to);
		return;
	}
	shared_set(to->irq_pending, true);
	if (!(to->in_handler & HANDLER_IRQ)) /* else irq_exit comes next */
		arch_current()->need_resched = true;
}

static void *send_home(void *core, void *co)
{
	send(proc_home(core, co), co);
	return NULL;
}

void proc_send_away(struct core *core, struct co *co)
{
	core_call(send_home, core, co);
}

void proc_file(struct core *core, struct co *co)
{
	struct core *home = proc_home(core, co);

	if (home != core) {
		send(home, co);
	} else if (!(co->flags & CO_URGENT)) {
		if (!runq_put(&core->proc.runq, co)) /* no memory */
			co_list_put(&core->proc.expired, co);
	} else if (co->flags & CO_PINNED) {
		co_list_put(&core->proc.urgent, co);
		core->elsewhere = true;
	} else {
		urgent_put(co);
		core->elsewhere = true;
		notify_urgent(core);
	}
}

void proc_file_expired(struct core *core, struct co *co)
{
	/* Who only made way for an urgent one has not used up its slice. */
	if (co->flags & CO_URGENT || proc_urgent_waiting(core) || proc_home(core, co) != core)
		proc_file(core, co);
	else
		co_list_put(&core->proc.expired, co);
}

void proc_unexpire(struct core *core)
{
	struct co *co = co_list_get(&core->proc.expired);

	if (co)
		proc_file(core, co);
}

void proc_receive(struct core *core)
{
	irq_run_deferred(core);
	if (!atomic_load_explicit(&core->proc.inbox, memory_order_relaxed))
		return;

	/* acquire: with the release in send. */
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
		proc_file(core, co);
	}
}

/* Those that others may run go to the ring, as long as there is room; the others stay in order. */
static void *share(void *from, void *)
{
	struct core *core = from;
	struct proc *proc = &core->proc;
	struct co *co;

	for (uint32_t n = runq_len(&proc->runq); n && steal_ring_room(&proc->ring); n--) {
		co = runq_get(&proc->runq);
		if (!(co->flags & CO_PINNED))
			steal_ring_put(&proc->ring, co);
		else if (!runq_put(&proc->runq, co))
			co_list_put(&proc->expired, co);
	}
	for (size_t n = proc->expired.count; n && steal_ring_room(&proc->ring); n--) {
		co = co_list_get(&proc->expired);
		if (!(co->flags & CO_PINNED))
			steal_ring_put(&proc->ring, co);
		else
			co_list_put(&proc->expired, co);
	}
	core->elsewhere = true;
	if (steal_ring_len(&proc->ring) ||
	    atomic_load_explicit(&urgent.waiting, memory_order_relaxed))
		proc_notify();
	return NULL;
}

void proc_share(struct core *core)
{
	core_call(share, core, NULL);
}

/* The first of the queues, but for urgent ones and runnext. What is in the ring is older. */
static struct co *take_first(struct proc *proc)
{
	struct co *co;

	if (steal_ring_take(&proc->ring, &co, 1, true) || (co = runq_get(&proc->runq)))
		return co;
	return co_list_get(&proc->expired);
}

static struct co *take_urgent(struct core *core)
{
	if (core->proc.urgent.first)
		return co_list_get(&core->proc.urgent);
	return proc_enabled(core) ? urgent_get() : NULL;
}

struct co *proc_pick_any(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co = take_urgent(core), *next = proc->runnext;

	if (!co && next) { /* in its waker's slice */
		shared_set(proc->runnext, NULL);
		co = next;
	} else if (co || (co = take_first(proc))) {
		proc->ticks++;
	}
	look_elsewhere(core);
	shared_set(core->turn_over, false);
	return co;
}

void proc_give_away(struct core *core)
{
	struct co *co = core->proc.runnext;

	core->elsewhere = true; /* nothing is plain here */
	if (co) {
		shared_set(core->proc.runnext, NULL);
		proc_file(core, co);
	}
	/* No more than there are: those that are pinned here come back. */
	for (size_t n = proc_own_len(&core->proc); n && (co = take_first(&core->proc)); n--)
		proc_file(core, co);
}
