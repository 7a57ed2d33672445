/*
 * The mutex, after Go's: the state is the holder (see co.h), and whether somebody waits. An unlock usually
 * wakes the first waiter and leaves the mutex free, so whoever comes by takes it without a switch;
 * a waiter that has waited for 1 ms is handed the mutex instead, so none starves. Before it stops, a caller on
 * a machine of several cores looks for some 20 us whether the mutex becomes free, as long as nothing else could
 * run on its core.
 *
 * The release of the state is the last touch of an unlock: the next holder may free the mutex.
 */
#include <vole/sync.h>

#include "debug/order.h"
#include "debug/who.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "sync/held.h" /* PLANT_RELAXED_UNLOCK */

enum { STARVING = 1000 * 1000 };
/* The last pause between two looks at a mutex begins so long, in ns, after the first, and may double that: about
 * what it takes to stop, and to be woken by another core. */
enum { SOON = 20 * 1000 };

static uint64_t holder(uintptr_t state)
{
	return state & ~MUTEX_WAITERS;
}

uint64_t mutex_holder(const struct mutex *m)
{
	return holder(atomic_load_explicit(&m->state, memory_order_relaxed));
}

/* The state from one value to another, when it is the first. Where there is one core, only a
 * preemption can come in between. */
static inline bool mutex_change(struct mutex *m, uintptr_t from, uintptr_t to, bool locks)
{
	if (!(smp_how() & SMP_CORES))
		return arch_swap_here((uintptr_t *)&m->state, from, to);
	/* acquire: with the release of an unlock, which is the last touch of *m. release: with the
	 * acquire of the next lock. */
	return atomic_compare_exchange_strong_explicit(&m->state, &from, to,
						       locks ? memory_order_acquire
							     : memory_order_release,
						       memory_order_relaxed);
}

bool mutex_try_lock(struct mutex *m)
{
	call_outside_handler("mutex_try_lock");

	uintptr_t state = atomic_load_explicit(&m->state, memory_order_relaxed);

	if (holder(state) || !mutex_change(m, state, state | arch_current()->holder, true))
		return false;
	order_call_in(m);
	return true;
}

/* Under m->lock: takes the mutex, or makes sure that its holder sees that somebody waits. */
static bool take_or_mark(struct mutex *m, struct co *self)
{
	uintptr_t state = atomic_load_explicit(&m->state, memory_order_relaxed);

	for (;;) {
		uintptr_t wanted = holder(state) ? state | MUTEX_WAITERS : state | self->holder;

		if (holder(state) == self->holder)
			panic("mutex locked twice by coroutine %lu \"%s\": %p", self->id,
			      co_name(self), (void *)m);
		/* acquire: with the release of an unlock. */
		if (atomic_compare_exchange_weak_explicit(&m->state, &state, wanted,
							  memory_order_acquire,
							  memory_order_relaxed))
			return !holder(state);
	}
}

/* Nothing else could run here, so whoever holds a mutex is on another core, or waits. */
static bool alone_here(const struct core *core)
{
	return (smp_how() & SMP_CORES) && !shared_get(core->irq_pending) && !proc_waiting(core);
}

/* Each look takes the mutex's line from its holder's core, so it comes after twice the time: meanwhile the
 * holder may lock it often. */
static bool lock_soon(struct mutex *m, const struct co *self)
{
	uint64_t end = arch_clock() + SOON;

	for (int pauses = 128; alone_here(self->core) && arch_clock() < end; pauses *= 2) {
		uintptr_t state;

		for (int i = 0; i < pauses; i++)
			arch_relax();
		state = atomic_load_explicit(&m->state, memory_order_relaxed);
		if (!holder(state) && mutex_change(m, state, state | self->holder, true))
			return true;
	}
	return false;
}

static __attribute__((noinline)) void lock_slow(struct mutex *m)
{
	struct co *self = arch_current();
	uint64_t since = 0;

	call_may_wait("mutex_lock");
	preempt_disable();
	while (!lock_soon(m, self)) {
		struct wait_node node = {.co = self};

		spin_lock(&m->lock);
		if (take_or_mark(m, self)) {
			spin_unlock(&m->lock);
			break;
		}
		wait_object_shown(m);
		wait_open(WAIT_MUTEX, m);
		if (since) {
			wait_queue_put_first(&m->waiters, &node);
		} else {
			since = arch_clock();
			wait_queue_put(&m->waiters, &node);
		}
		node.elem = &since;
		spin_unlock(&m->lock);
		wait_park();
		if (node.ok) /* handed over */
			break;
	}
	if (since)
		wait_object_gone();
	preempt_enable();
}

void mutex_lock(struct mutex *m)
{
	const struct co *self = arch_current();

	if (unlikely(!call_by_coroutine(self) || !mutex_change(m, 0, self->holder, true)))
		lock_slow(m);
	order_call_in(m);
}

static void unlock_slow(struct mutex *m, struct co *self)
{
	struct wait_node *node;
	struct co *next = NULL;
	uintptr_t state = atomic_load_explicit(&m->state, memory_order_relaxed), after;

	call_outside_handler("mutex_unlock"); /* whose holder is not that of any mutex */
	if (holder(state) != self->holder) {
		if (!holder(state))
			panic("unlock of a mutex that is not locked: %p", (void *)m);
		co_panic_held("unlock of a mutex that", holder(state), m);
	}
	lock(&m->lock);
	node = wait_queue_claim(&m->waiters);
	if (node) {
		next = node->co;
		node->ok = arch_clock() - *(uint64_t *)node->elem >= STARVING;
	}
	if (!m->waiters.first)
		atomic_fetch_and_explicit(&m->state, ~(uintptr_t)MUTEX_WAITERS,
					  memory_order_relaxed);
	spin_unlock(&m->lock);
	/* Others may queue up now, and set MUTEX_WAITERS: it stays as it is. */
	state = atomic_load_explicit(&m->state, memory_order_relaxed);
	do
		after = (state & MUTEX_WAITERS) | (node && node->ok ? next->id : 0);
	/* release: with the acquire in mutex_lock; the last touch of *m. */
	while (!atomic_compare_exchange_weak_explicit(&m->state, &state, after,
						      memory_order_release, memory_order_relaxed));
	if (next)
		sched_ready(next);
	preempt_enable();
}

void mutex_unlock(struct mutex *m)
{
	struct co *self = arch_current();

	order_call_out(m);
	if (unlikely(!mutex_change(m, self->holder, 0, false)))
		unlock_slow(m, self);
}
