#include "sync/held.h"

/* How many look at objects that coroutines wait for. */
static _Atomic int lookers;

void wait_object_gone(void)
{
	struct co *self = arch_current();

	relaxed_set(self->wait_reason, WAIT_NONE);
	/* seq_cst: with the fence in wait_holder: either that sees that there is no object, or this sees
	 * it. */
	atomic_thread_fence(memory_order_seq_cst);
	/* acquire: with the release in wait_holder. */
	while (atomic_load_explicit(&lookers, memory_order_acquire) && !panicking)
		arch_relax();
}

uint64_t wait_holder(const struct co *co)
{
	struct co *self = arch_current();
	const void *object;
	uint64_t holder = 0;
	uint8_t reason;

	self->nopreempt++; /* not preempt_disable: this may be a handler */
	atomic_fetch_add_explicit(&lookers, 1, memory_order_relaxed);
	/* seq_cst: with the fence in wait_object_gone. */
	atomic_thread_fence(memory_order_seq_cst);
	reason = relaxed_get(co->wait_reason);
	/* acquire: with the release in wait_object_shown. */
	atomic_thread_fence(memory_order_acquire);
	object = relaxed_get(co->wait_object);
	if (reason == WAIT_MUTEX)
		holder = mutex_holder(object);
	else if (reason == WAIT_RWMUTEX_READ || reason == WAIT_RWMUTEX_WRITE)
		holder = relaxed_get(((const struct rwmutex *)object)->writer);
	/* release: with the acquire in wait_object_gone: what is looked at may be freed. */
	atomic_fetch_sub_explicit(&lookers, 1, memory_order_release);
	self->nopreempt--;
	return holder;
}
