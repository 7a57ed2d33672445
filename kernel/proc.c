/*
 * The queues of a core, the global queue, and what goes from one to the other. What a core does when
 * it has nothing to run is in idle.c.
 */
#include "kernel/proc.h"

#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/slab.h"

enum { GLOBAL_INTERVAL = 61 };

_Atomic int proc_count = 1;
_Atomic size_t proc_attention;

static struct {
	struct spinlock lock;
	/* guarded by lock */
	struct co_list normal, urgent;
	/* the lists' counts, for looking without the lock */
	_Atomic size_t normal_count, urgent_count;
} global;

/* With the lock. */
static void global_counts(void)
{
	size_t disabled =
		(size_t)(core_count - atomic_load_explicit(&proc_count, memory_order_relaxed));

	atomic_store_explicit(&global.normal_count, global.normal.count, memory_order_relaxed);
	atomic_store_explicit(&global.urgent_count, global.urgent.count, memory_order_relaxed);
	atomic_store_explicit(&proc_attention, global.normal.count + global.urgent.count + disabled,
			      memory_order_relaxed);
}

int proc_set_count(int n)
{
	int old;

	lock(&global.lock);
	old = atomic_exchange_explicit(&proc_count, n, memory_order_relaxed);
	global_counts();
	unlock(&global.lock);
	return old;
}

static void global_put(struct co **co, size_t n)
{
	spin_lock(&global.lock);
	for (size_t i = 0; i < n; i++)
		co_list_put(co[i]->flags & CO_URGENT ? &global.urgent : &global.normal, co[i]);
	global_counts();
	spin_unlock(&global.lock);
}

static struct co *global_get_urgent(void)
{
	if (!atomic_load_explicit(&global.urgent_count, memory_order_relaxed))
		return NULL;
	spin_lock(&global.lock);

	struct co *co = co_list_get(&global.urgent);

	global_counts();
	spin_unlock(&global.lock);
	return co;
}

/* One from the global queue, and this core's share of the others into its ring. */
static struct co *global_get(struct core *core, bool only_one)
{
	if (!atomic_load_explicit(&global.normal_count, memory_order_relaxed))
		return NULL;
	spin_lock(&global.lock);

	struct co *co = co_list_get(&global.normal);
	size_t share = global.normal.count /
		       (size_t)atomic_load_explicit(&proc_count, memory_order_relaxed);

	if (share > STEAL_MAX)
		share = STEAL_MAX;
	while (!only_one && share--) {
		struct co *more = co_list_get(&global.normal);

		if (runq_put(&core->proc.runq, more))
			continue;
		co_list_put(&global.normal, more);
		break;
	}
	global_counts();
	spin_unlock(&global.lock);
	if (co && !core->proc.slice_armed && proc_waiting(core))
		sched_slice_arm(core);
	return co;
}

size_t proc_global_len(void)
{
	return atomic_load_explicit(&global.normal_count, memory_order_relaxed) +
	       atomic_load_explicit(&global.urgent_count, memory_order_relaxed);
}

/* An urgent coroutine is in the global queue: some core is to take it now. */
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

static void put_pinned(struct core *core, struct co *co)
{
	if (co->pinned_core != core->index) {
		proc_send(cores[co->pinned_core], co);
		return;
	}
	co_list_put(co->flags & CO_URGENT ? &core->proc.urgent : &core->proc.pinned, co);
	core->proc.special = true;
	if (!core->proc.slice_armed)
		sched_slice_arm(core);
	if (co->flags & CO_URGENT)
		arch_current()->need_resched = true;
}

static void *put_elsewhere(void *to, void *what)
{
	struct core *core = to;
	struct co *co = what;

	if (co->flags & CO_PINNED) {
		put_pinned(core, co);
	} else if (co->flags & CO_URGENT) {
		global_put(&co, 1);
		notify_urgent(core);
	} else if (core->index >= atomic_load_explicit(&proc_count, memory_order_relaxed)) {
		global_put(&co, 1);
		proc_notify();
		proc_interrupt(cores[0]);
	} else {
		if (!runq_put(&core->proc.runq, co)) /* no memory */
			global_put(&co, 1);
		if (!core->proc.slice_armed)
			sched_slice_arm(core);
	}
	return NULL;
}

void proc_put_elsewhere(struct core *core, struct co *co)
{
	core_call(put_elsewhere, core, co);
}

static void *put_global(void *co, void *unused)
{
	(void)unused;
	global_put((struct co **)&co, 1);
	return NULL;
}

void proc_put_back(struct core *core, struct co *co)
{
	/* A core that is not to run others tells one that is, which proc_put_quietly does. */
	bool others = unlikely(proc_needs_attention()) &&
		      core->index < atomic_load_explicit(&proc_count, memory_order_relaxed) &&
		      atomic_load_explicit(&global.normal_count, memory_order_relaxed);

	if (others && !(co->flags & (CO_PINNED | CO_URGENT)))
		core_call(put_global, co, NULL);
	else
		proc_put_quietly(core, co);
}

/* So many slices may others get before one that has used up its own. */
enum { TIRED_WAITS = 4 };

void proc_put_tired(struct core *core, struct co *co)
{
	/* Who only made way for an urgent one has not used up its slice. */
	bool tired = !core->proc.urgent.first && !(co->flags & CO_URGENT);

	if (tired && (co->flags & CO_PINNED) && co->pinned_core == core->index)
		co_list_put(&core->proc.tired_pinned, co);
	else if (!tired || (co->flags & CO_PINNED) || proc_needs_attention() ||
		 !runq_put(&core->proc.tired, co))
		proc_put_back(core, co);
	if (!core->proc.slice_armed && proc_waiting(core))
		sched_slice_arm(core);
}

/* Pinned coroutines and the others take turns, each as long as it was when its turn began: as if
 * they stood in one queue. True: the turn of those that are pinned. */
static bool pinned_next(struct turns *turns, size_t pinned, size_t others)
{
	if (turns->left == 0) {
		turns->pinned = !turns->pinned || !others;
		turns->left = (uint32_t)(turns->pinned ? pinned : others);
	}
	turns->left--;
	return turns->pinned;
}

static struct co *get_tired(struct proc *proc)
{
	uint32_t others = runq_len(&proc->tired);

	proc->tired_waits = 0;
	if (proc->tired_pinned.first &&
	    (!others || pinned_next(&proc->tired_turns, proc->tired_pinned.count, others)))
		return co_list_get(&proc->tired_pinned);
	return runq_get(&proc->tired);
}

void proc_rest(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co;

	if (++proc->tired_waits < TIRED_WAITS)
		return;
	co = get_tired(proc);
	if (co)
		proc_put_quietly(core, co);
}

static void *share(void *from, void *unused)
{
	struct proc *proc = &((struct core *)from)->proc;
	uint32_t room = STEAL_RING_SIZE - steal_ring_len(&proc->ring);
	struct co *co;

	(void)unused;
	for (; room && ((co = runq_get(&proc->runq)) || (co = runq_get(&proc->tired))); room--)
		steal_ring_put(&proc->ring, co);
	proc->special = true;
	if (steal_ring_len(&proc->ring) || proc_global_len())
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

bool proc_urgent_waiting(const struct core *core)
{
	return relaxed_get(core->proc.urgent.first) ||
	       atomic_load_explicit(&global.urgent_count, memory_order_relaxed);
}

bool proc_waiting(const struct core *core)
{
	return relaxed_get(core->proc.runnext) || proc_own_len(&core->proc) ||
	       relaxed_get(core->proc.pinned.first) || relaxed_get(core->proc.tired_pinned.first) ||
	       proc_urgent_waiting(core) ||
	       (core->index < atomic_load_explicit(&proc_count, memory_order_relaxed) &&
		atomic_load_explicit(&global.normal_count, memory_order_relaxed));
}

/* What is in the ring is older. */
static struct co *get_own(struct proc *proc)
{
	struct co *co;

	return steal_ring_take(&proc->ring, &co, 1, true) ? co : runq_get(&proc->runq);
}

static struct co *get_own_or_global(struct core *core, bool enabled)
{
	struct co *co = get_own(&core->proc);

	return co || !enabled ? co : global_get(core, false);
}

static struct co *next_of_both(struct core *core, bool enabled)
{
	struct proc *proc = &core->proc;
	size_t others = runq_len(&proc->runq) + steal_ring_len(&proc->ring);
	struct co *co = NULL;

	if (enabled)
		others += (atomic_load_explicit(&global.normal_count, memory_order_relaxed) +
			   (size_t)proc_count - 1) /
			  (size_t)proc_count;
	if (!pinned_next(&proc->turns, proc->pinned.count, others)) {
		co = get_own_or_global(core, enabled);
		if (!co) /* stolen meanwhile */
			proc->turns.left = 0;
	}
	return co ? co : co_list_get(&proc->pinned);
}

static void *pick_slowly(void *arg, void *unused)
{
	struct core *core = arg;
	struct proc *proc = &core->proc;
	struct co *co;
	bool enabled = core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);

	(void)unused;
	proc->special = proc->pinned.first || proc->urgent.first || steal_ring_len(&proc->ring);
	if (proc_urgent_waiting(core)) {
		co = co_list_get(&proc->urgent);
		if (!co && enabled)
			co = global_get_urgent();
		if (co)
			goto slice;
	}
	if (proc->ticks % GLOBAL_INTERVAL == 0 && enabled && (co = global_get(core, true)))
		goto slice;
	co = proc->runnext;
	if (co) { /* in its waker's slice */
		relaxed_set(proc->runnext, NULL);
		return co;
	}
	co = proc->pinned.first ? next_of_both(core, enabled) : get_own_or_global(core, enabled);
	if (!co)
		co = get_tired(proc);
	if (!co)
		return NULL;
slice:
	proc->ticks++;
	return co;
}

struct co *proc_pick_slowly(struct core *core)
{
	return core_call(pick_slowly, core, NULL);
}

void proc_give_away(struct core *core)
{
	struct co *co;

	if ((co = core->proc.runnext)) {
		relaxed_set(core->proc.runnext, NULL);
		proc_put(core, co);
	}
	/* No more than there are: the core may be let in again meanwhile, and put them back. */
	for (uint32_t n = proc_own_len(&core->proc); n; n--) {
		co = get_own(&core->proc);
		if (!co && !(co = runq_get(&core->proc.tired)))
			break;
		proc_put(core, co);
	}
}
