/* The queues of a core, and what goes from one to the other. */
#include "kernel/proc.h"

#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/slab.h"

_Atomic int proc_count = 1;

/* The urgent coroutines that any core may run. */
static struct {
	struct spinlock lock;
	struct co_list list; /* guarded by lock; its count is read by anyone */
} urgent;

static struct co *urgent_get(void)
{
	if (!shared_get(urgent.list.count))
		return NULL;
	spin_lock(&urgent.lock);

	struct co *co = co_list_get(&urgent.list);

	spin_unlock(&urgent.lock);
	return co;
}

bool proc_urgent_waiting(const struct core *core)
{
	return shared_get(core->proc.urgent.first) ||
	       (proc_enabled(core) && shared_get(urgent.list.count));
}

bool proc_waiting(const struct core *core)
{
	return shared_get(core->proc.runnext) || proc_own_len(&core->proc) ||
	       proc_urgent_waiting(core);
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

/* co is urgent: on this core, or it has one take it that does not run what is urgent, too. */
static __attribute__((noinline)) void file_urgent(struct core *core, struct co *co)
{
	int enabled = atomic_load_explicit(&proc_count, memory_order_relaxed);

	core->elsewhere = true;
	if (shared_get(co->flags) & CO_PINNED) {
		co_list_put(&core->proc.urgent, co);
		return;
	}
	spin_lock(&urgent.lock);
	co_list_put(&urgent.list, co);
	spin_unlock(&urgent.lock);
	if (makes_way(core) || proc_notify())
		return;
	for (int i = 0; i < enabled; i++)
		if (cores[i] != core && makes_way(cores[i])) {
			core_interrupt(cores[i]);
			return;
		}
}

static void *send_home(void *from, void *sent)
{
	struct co *co = sent;
	struct core *core = from, *to = proc_home(core, co);
	_Atomic(struct co *) *inbox = &to->proc.inbox;
	struct co *first = atomic_load_explicit(inbox, memory_order_relaxed);

	do
		co->next = first;
	/* release: with the acquire in proc_receive. */
	while (!atomic_compare_exchange_weak_explicit(inbox, &first, co, memory_order_release,
						      memory_order_relaxed));
	if (to != core) {
		core_interrupt(to);
		return NULL;
	}
	shared_set(to->irq_pending, true);
	if (!(to->in_handler & HANDLER_IRQ)) /* else irq_exit comes next */
		arch_current()->need_resched = true;
	return NULL;
}

void proc_send_away(struct core *core, struct co *co)
{
	core_call(send_home, core, co);
}

void proc_file(struct core *core, struct co *co, bool expired)
{
	if (proc_home(core, co) != core)
		send_home(core, co);
	else if (shared_get(co->flags) & CO_URGENT)
		file_urgent(core, co);
	else if (expired)
		co_list_put(&core->proc.expired, co);
	else
		proc_queue(&core->proc, co);
}

void proc_file_next(struct core *core)
{
	struct co *co = core->proc.runnext;

	if (co) {
		shared_set(core->proc.runnext, NULL);
		proc_file(core, co, false);
	}
}

void proc_receive(struct core *core)
{
	irq_run_deferred(core);
	if (!atomic_load_explicit(&core->proc.inbox, memory_order_relaxed))
		return;

	/* acquire: with the release in send_home. */
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
		proc_file(core, co, false);
	}
}

/* Those that others may run go to the ring, as long as there is room; the others stay in order. */
static void *share(void *from, void *)
{
	struct core *core = from;
	struct proc *proc = &core->proc;
	size_t queued = runq_len(&proc->runq), all = queued + proc->expired.count;

	for (size_t i = 0; i < all && steal_ring_room(&proc->ring); i++) {
		struct co *co = i < queued ? runq_get(&proc->runq) : co_list_get(&proc->expired);

		if (!(shared_get(co->flags) & CO_PINNED))
			steal_ring_put(&proc->ring, co);
		else if (i < queued)
			proc_queue(proc, co);
		else
			co_list_put(&proc->expired, co);
	}
	core->elsewhere = true;
	if (steal_ring_len(&proc->ring) || shared_get(urgent.list.count))
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

struct co *proc_pick_any(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co = NULL;

	if (proc->urgent.first)
		co = co_list_get(&proc->urgent);
	else if (proc_enabled(core))
		co = urgent_get();
	if (!co && proc->runnext) { /* in its waker's slice */
		co = proc->runnext;
		shared_set(proc->runnext, NULL);
	} else if (co || (co = take_first(proc))) {
		proc->slice_new = true;
	}
	core->elsewhere = !proc_enabled(core) || proc_urgent_waiting(core) ||
			  steal_ring_len(&proc->ring);
	shared_set(core->turn_over, false);
	return co;
}

void proc_give_away(struct core *core)
{
	struct co *co;

	core->elsewhere = true; /* nothing is plain here */
	proc_file_next(core);
	/* No more than there are: those that are pinned here come back. */
	for (size_t n = proc_own_len(&core->proc); n && (co = take_first(&core->proc)); n--)
		proc_file(core, co, false);
}
