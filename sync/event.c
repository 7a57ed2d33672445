/*
 * Events: one word, so that an interrupt handler can post without a lock. 0: nothing; POSTED;
 * otherwise the record of the waiter. Whoever changes the word away from the record has taken the
 * post to the waiter. A waiter that gives up at that moment has been posted to all the same; it
 * must not return before the poster has let go of the record.
 */
#include <errno.h>

#include <vole/sync.h>

#include "kernel/irq.h"
#include "kernel/sched.h"
#include "sync/wait.h"

enum { POSTED = 1 };

struct event_waiter {
	struct co *co;
	_Atomic bool released; /* the poster came second, and has let go */
};

int event_wait_until(struct event *e, uint64_t deadline)
{
	struct event_waiter waiter = {.co = arch_current()};
	uintptr_t state, record = (uintptr_t)&waiter;
	int32_t claim;

	call_may_wait("event_wait_until");
	if (wait_cancelled())
		return -ECANCELED;
	preempt_disable();
	for (;;) {
		state = POSTED;
		/* acquire: with the release in event_post. */
		if (atomic_compare_exchange_strong_explicit(&e->state, &state, 0,
							    memory_order_acquire,
							    memory_order_relaxed)) {
			order_in(e);
			preempt_enable();
			return 0;
		}
		if (state != 0 || wait_expired(deadline)) {
			preempt_enable();
			return state ? -EBUSY : -ETIMEDOUT;
		}
		wait_open(WAIT_EVENT, e);
		/* release: with the acquire in event_post; the wait is open. */
		if (atomic_compare_exchange_strong_explicit(&e->state, &state, record,
							    memory_order_release,
							    memory_order_relaxed))
			break;
		shared_set(arch_current()->state, CO_RUNNING); /* posted just now */
	}
	claim = wait_park_cancellable(deadline);
	if (claim < 0) {
		state = record;
		/* Where the record is still there nobody has posted: there is nothing to be seen. */
		if (!atomic_compare_exchange_strong_explicit(&e->state, &state, 0,
							     memory_order_relaxed,
							     memory_order_relaxed)) {
			/* acquire: with the release in event_post. */
			while (!atomic_load_explicit(&waiter.released, memory_order_acquire))
				arch_relax();
			claim = 0;
		}
	}
	if (claim == 0)
		order_in(e);
	preempt_enable();
	return claim;
}

int event_wait(struct event *e)
{
	call_may_wait("event_wait");
	return event_wait_until(e, TIME_NEVER);
}

void event_post(struct event *e)
{
	struct co *self = arch_current();
	uintptr_t state = atomic_load_explicit(&e->state, memory_order_relaxed);

	order_out(e);
	/* In a handler this counts up and down before the interrupted coroutine goes on. */
	self->nopreempt++;
	/* acq_rel: with the release of the waiter's record, and the acquires in event_wait_until: what was
	 * done before the post is seen by who takes it. The last touch of *e. */
	while (!atomic_compare_exchange_weak_explicit(&e->state, &state,
						      state == 0 || state == POSTED ? POSTED : 0,
						      memory_order_acq_rel, memory_order_relaxed))
		;
	if (state != 0 && state != POSTED) {
		struct event_waiter *waiter = (struct event_waiter *)state;
		struct co *co = waiter->co;

		if (wait_claim(co, 0))
			sched_ready(co);
		else
			/* release: with the acquire in event_wait_until. */
			atomic_store_explicit(&waiter->released, true, memory_order_release);
	}
	preempt_enable_anywhere(self);
}
