#include "sync/held.h"

#include "kernel/irq.h"

/*
 * Each coroutine has one of these, by its address. Under it an object is shown before the reason to wait for it
 * is, and the reason is taken back: so who looks at both under the lock takes no other object for it, and is
 * done with the object before it is gone.
 */
enum { LOCKS = 64 };
static struct spinlock locks[LOCKS];

static struct spinlock *lock_of(const struct co *co)
{
	return &locks[(uintptr_t)co / sizeof(struct co) % LOCKS];
}

void wait_object_shown(const void *object)
{
	struct co *self = arch_current();

	spin_lock(lock_of(self));
	shared_set(self->wait_object, object);
	spin_unlock(lock_of(self));
}

void wait_object_gone(void)
{
	struct co *self = arch_current();

	spin_lock(lock_of(self));
	shared_set(self->wait_reason, WAIT_NONE);
	spin_unlock(lock_of(self));
}

uint64_t wait_holder(const struct co *co)
{
	struct co *self = arch_current();
	const void *object;
	uint64_t holder = 0;
	uint8_t reason;

	self->nopreempt++; /* not preempt_disable: this may be a handler */
	if (spin_lock_for(lock_of(co), NSEC_PER_MSEC)) {
		reason = shared_get(co->wait_reason);
		object = shared_get(co->wait_object);
		if (reason == WAIT_MUTEX)
			holder = mutex_holder(object);
		else if (reason == WAIT_RWMUTEX_READ || reason == WAIT_RWMUTEX_WRITE)
			holder = shared_get(((const struct rwmutex *)object)->writer);
		spin_unlock(lock_of(co));
	}
	preempt_enable_anywhere(self);
	return holder;
}
