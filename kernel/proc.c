/*
 * The queues. A core that runs out of work steals half of another's ring; one that finds nothing
 * publishes that it is idle, looks once more, and halts. Whoever makes work then looks for idle
 * cores: both sides store, fence, and load, so one of them sees the other (sleep, proc_notify).
 */
#include "kernel/proc.h"

#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/stuck.h"

enum { GLOBAL_INTERVAL = 61, STEAL_MAX = RUNQ_SIZE / 2 };

_Atomic int proc_count = 1;

static struct {
	struct spinlock lock;
	/* guarded by lock */
	struct co_list normal, urgent;
	/* the lists' counts, for looking without the lock */
	_Atomic size_t normal_count, urgent_count;
} global;

static _Atomic uint64_t idle_mask; /* cores that sleep and may be woken for work */
static _Atomic int searchers;      /* cores that look for work, or have been woken to */

void co_list_put(struct co_list *list, struct co *co)
{
	co->next = NULL;
	if (list->last)
		list->last->next = co;
	else
		list->first = co;
	list->last = co;
	list->count++;
}

struct co *co_list_get(struct co_list *list)
{
	struct co *co = list->first;

	if (co) {
		list->first = co->next;
		if (!list->first)
			list->last = NULL;
		list->count--;
	}
	return co;
}

static void global_counts(void)
{
	atomic_store_explicit(&global.normal_count, global.normal.count, memory_order_relaxed);
	atomic_store_explicit(&global.urgent_count, global.urgent.count, memory_order_relaxed);
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
	size_t share = global.normal.count / (size_t)atomic_load(&proc_count);

	if (share > STEAL_MAX)
		share = STEAL_MAX;
	while (!only_one && share-- && runq_len(&core->proc.runq) < STEAL_MAX)
		runq_put(&core->proc.runq, co_list_get(&global.normal));
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

bool proc_idle_cores(void)
{
	return atomic_load_explicit(&idle_mask, memory_order_relaxed) != 0;
}

static void send_reschedule(struct core *to)
{
	core_here()->ipis++;
	arch_send_reschedule(to);
}

void proc_notify(void)
{
	int none = 0;

	/* With the fence in sleep: either it sees the work, or this sees it idle. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&idle_mask, memory_order_relaxed) ||
	    !atomic_compare_exchange_strong(&searchers, &none, 1))
		return;
	for (uint64_t mask; (mask = atomic_load(&idle_mask));) {
		uint64_t bit = mask & -mask;

		if (atomic_fetch_and(&idle_mask, ~bit) & bit) {
			send_reschedule(cores[__builtin_ctzl(bit)]);
			return;
		}
	}
	atomic_fetch_sub(&searchers, 1);
}

/* An urgent coroutine is in the global queue: some core is to take it now. */
static void notify_urgent(struct core *core)
{
	struct co *self = arch_current();
	int enabled = atomic_load_explicit(&proc_count, memory_order_relaxed);

	if (proc_idle_cores()) {
		proc_notify();
		return;
	}
	if (core->index < enabled && !(self->flags & (CO_URGENT | CO_KERNEL))) {
		self->need_resched = true; /* when preemption is on again */
		return;
	}
	for (int i = 0; i < enabled; i++) {
		struct co *there = atomic_load_explicit(&cores[i]->running, memory_order_relaxed);

		if (cores[i] != core && there && !(there->flags & CO_URGENT)) {
			send_reschedule(cores[i]);
			return;
		}
	}
}

/* False: co may go into this core's ring. */
static bool put_elsewhere(struct core *core, struct co *co)
{
	if (co->flags & CO_PINNED) {
		if (co->pinned_core != core->index) {
			proc_send(cores[co->pinned_core], co);
			return true;
		}
		co_list_put(co->flags & CO_URGENT ? &core->proc.urgent : &core->proc.pinned, co);
		if (!core->proc.slice_armed)
			sched_slice_arm(core);
		if (co->flags & CO_URGENT)
			arch_current()->need_resched = true;
		return true;
	}
	if (co->flags & CO_URGENT) {
		global_put(&co, 1);
		notify_urgent(core);
		return true;
	}
	if (core->index >= atomic_load_explicit(&proc_count, memory_order_relaxed)) {
		global_put(&co, 1);
		proc_notify();
		send_reschedule(cores[0]);
		return true;
	}
	return false;
}

void proc_put_quietly(struct core *core, struct co *co)
{
	if (put_elsewhere(core, co))
		return;
	if (!core->proc.slice_armed)
		sched_slice_arm(core);
	if (runq_put(&core->proc.runq, co))
		return;

	struct co *batch[STEAL_MAX + 1];
	uint32_t n = runq_take(&core->proc.runq, batch, STEAL_MAX, false);

	batch[n] = co;
	global_put(batch, n + 1);
}

void proc_put_back(struct core *core, struct co *co)
{
	/* A core that is not to run others tells one that is, which proc_put_quietly does. */
	bool others = core->index < atomic_load_explicit(&proc_count, memory_order_relaxed) &&
		      atomic_load_explicit(&global.normal_count, memory_order_relaxed);

	if (others && !(co->flags & (CO_PINNED | CO_URGENT)))
		global_put(&co, 1);
	else
		proc_put_quietly(core, co);
}

void proc_put(struct core *core, struct co *co)
{
	proc_put_quietly(core, co);
	if (core_count > 1)
		proc_notify();
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
		to->irq_pending = true; /* an interrupt handler: irq_exit comes next */
	else
		send_reschedule(to);
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
	return core->proc.urgent.first ||
	       atomic_load_explicit(&global.urgent_count, memory_order_relaxed);
}

bool proc_waiting(const struct core *core)
{
	return core->proc.runnext || runq_len(&core->proc.runq) || core->proc.pinned.first ||
	       proc_urgent_waiting(core) ||
	       (core->index < atomic_load_explicit(&proc_count, memory_order_relaxed) &&
		atomic_load_explicit(&global.normal_count, memory_order_relaxed));
}

/* Pinned coroutines and the others take turns, each as long as it was when its turn began: as if
 * they stood in one queue. */
static struct co *next_of_both(struct core *core, bool enabled)
{
	struct proc *proc = &core->proc;
	struct co *co = NULL;

	if (proc->turns_left == 0) {
		size_t others = runq_len(&proc->runq);

		if (enabled)
			others +=
				(atomic_load_explicit(&global.normal_count, memory_order_relaxed) +
				 (size_t)proc_count - 1) /
				(size_t)proc_count;
		proc->pinned_turn = !proc->pinned_turn || !others;
		proc->turns_left = (uint32_t)(proc->pinned_turn ? proc->pinned.count : others);
	}
	proc->turns_left--;
	if (!proc->pinned_turn) {
		co = runq_get(&proc->runq);
		if (!co && enabled)
			co = global_get(core, false);
		if (!co) /* stolen meanwhile */
			proc->turns_left = 0;
	}
	return co ? co : co_list_get(&proc->pinned);
}

struct co *proc_pick(struct core *core)
{
	struct proc *proc = &core->proc;
	struct co *co;
	bool enabled = core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);

	if (proc_urgent_waiting(core)) {
		co = co_list_get(&proc->urgent);
		if (!co && enabled)
			co = global_get_urgent();
		if (co)
			goto slice;
	}
	if (proc->ticks % GLOBAL_INTERVAL == 0) {
		if (atomic_load_explicit(&proc->inbox, memory_order_relaxed))
			proc_receive(core);
		if (enabled && (co = global_get(core, true)))
			goto slice;
	}
	co = proc->runnext;
	if (co) { /* in its waker's slice */
		proc->runnext = NULL;
		return co;
	}
	if (proc->pinned.first)
		co = next_of_both(core, enabled);
	else if (!(co = runq_get(&proc->runq)) && enabled)
		co = global_get(core, false);
	if (!co)
		return NULL;
slice:
	proc->ticks++;
	return co;
}

/* Half of another core's ring; one of it to run. */
static struct co *steal(struct core *core)
{
	struct co *batch[STEAL_MAX];

	core->random = core->random * 1664525 + 1013904223;

	int start = (int)((core->random >> 8) % (uint32_t)core_count);

	for (int i = 0; i < core_count; i++) {
		struct core *victim = cores[(start + i) % core_count];
		uint32_t n;

		if (victim == core || !(n = runq_take(&victim->proc.runq, batch, STEAL_MAX, false)))
			continue;
		core->steals += n;
		for (uint32_t j = 1; j < n; j++)
			proc_put_quietly(core, batch[j]);
		core->proc.ticks++;
		return batch[0];
	}
	return NULL;
}

void proc_give_away(struct core *core)
{
	struct co *co;

	if ((co = core->proc.runnext)) {
		core->proc.runnext = NULL;
		proc_put(core, co);
	}
	/* No more than there are: the core may be let in again meanwhile, and put them back. */
	for (uint32_t n = runq_len(&core->proc.runq); n && (co = runq_get(&core->proc.runq)); n--)
		proc_put(core, co);
}

static bool work_somewhere(struct core *core)
{
	if (core->irq_pending || proc_waiting(core))
		return true;
	if (core->index >= atomic_load_explicit(&proc_count, memory_order_relaxed))
		return false;
	for (int i = 0; i < core_count; i++)
		if (runq_len(&cores[i]->proc.runq))
			return true;
	return false;
}

/* Sleeps until an interrupt. True: woken to search, and counted as a searcher already. */
static bool sleep(struct core *core)
{
	bool enabled = core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);
	uint64_t bit = UINT64_C(1) << core->index, before = bit;

	core->idle_since = arch_clock();
	atomic_store_explicit(&core->running, NULL, memory_order_relaxed);
	if (enabled)
		atomic_fetch_or(&idle_mask, bit);
	stuck_enter_idle();
	/* With the fence in proc_notify. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!work_somewhere(core) && !stuck_check()) {
		arch_interrupts_off();
		/* The mask has lost the bit: somebody wakes this core. */
		if (core->irq_pending || (enabled && !(atomic_load(&idle_mask) & bit)))
			arch_interrupts_on();
		else
			arch_halt();
	}
	stuck_leave_idle();
	if (enabled)
		before = atomic_fetch_and(&idle_mask, ~bit);
	core->idle_ns += arch_clock() - core->idle_since;
	core->idle_since = 0;
	return !(before & bit);
}

/* The next coroutine for this core, however long it takes. */
static struct co *find(struct core *core)
{
	bool searching = false;

	for (;;) {
		sched_service(core, NULL);

		struct co *next = proc_pick(core);

		if (!next &&
		    core->index < atomic_load_explicit(&proc_count, memory_order_relaxed)) {
			if (!searching)
				atomic_fetch_add(&searchers, 1);
			searching = true;
			next = steal(core);
		}
		/* The last searcher that found something wakes the next: where there was one
		 * coroutine, there may be more. A disabled core passes its waking on. */
		if (searching && atomic_fetch_sub(&searchers, 1) == 1 &&
		    (next || core->index >= atomic_load(&proc_count)))
			proc_notify();
		if (next)
			return next;
		searching = sleep(core);
	}
}

/* Waits until the core that next leaves is off its stack. That takes a moment; it takes long where
 * that core is a thread that its host does not run now: then others go first, or this thread leaves
 * the host's processor to it. */
static bool stack_is_free(struct core *core, struct co *next)
{
	enum { A_MOMENT = 100 };
	bool others;

#ifdef PLANT_ON_CORE
	return true;
#endif
	for (int i = 0; i < A_MOMENT; i++) {
		/* acquire: with the release in sched_finish: the switch away from next is done. */
		if (!atomic_load_explicit(&next->on_core, memory_order_acquire))
			return true;
		arch_relax();
	}
	others = proc_waiting(core);
	proc_put_back(core, next);
	if (!others) {
		sched_timer_soon(core);
		arch_interrupts_off();
		if (core->irq_pending)
			arch_interrupts_on();
		else
			arch_halt();
	}
	return false;
}

_Noreturn void proc_idle(struct core *core)
{
	struct co *idle = core->idle, *prev;

	for (;;) {
		struct co *next = core->resume;

		core->resume = NULL;
		if (!next)
			next = find(core);
		if (!core->proc.slice_armed && proc_waiting(core))
			sched_slice_arm(core);
		if (!stack_is_free(core, next))
			continue;
		sched_begin(core, next);

		void *frame = next->frame;

		if (frame) {
			arch_interrupts_off();
			sched_resume_soon(core);
			next->frame = NULL;
			preempt_frame_done(core, frame);
			prev = arch_resume(idle, next, frame);
		} else {
			prev = arch_switch(idle, next);
		}
		if (!prev->frame) {
			sched_finish(prev);
			continue;
		}
		/* prev was interrupted: it goes on, or to the back of the queue. */
		if (sched_service(core, prev)) {
			core->preemptions++;
			prev->state = CO_RUNNABLE;
			proc_put_back(core, prev);
			core->resume = proc_pick(core); /* in the slice that has begun */
		} else {
			core->resume = prev;
		}
		sched_finish(prev);
	}
}
