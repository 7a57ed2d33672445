/*
 * Spinlocks, and the counter that holds preemption off.
 *
 * Notes on locking. A spinlock is only taken with nopreempt > 0 and never by an interrupt handler,
 * so no holder is ever interrupted for longer than a handler runs, and the interrupt flag is not
 * touched. No spinlock is held across a switch. Order, outer first:
 *   a struct timer's -> wheel, which timers fire under -> any other object's (channel, group, ...)
 *   -> urgent coroutines (proc.c) -> stacks of a kind -> reclaim of stacks -> slab -> pages.
 * A coroutine is made ready after the lock of the object it waited for has been given back: then
 * the object may be freed as soon as its last user has returned.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "debug/panic.h"
#include "kernel/co.h"

#ifdef VOLE_RELEASE
#define kassert(cond) ((void)0)
#else
#define kassert(cond) ((cond) ? (void)0 : panic_assert(__FILE__, __LINE__, __func__, #cond))
#endif

/* SMP_CORES: there may be more than one core, so what preemption is held off for needs atomics; set before the
 * second starts, constant after. SMP_TRACED: a timeline is recorded, see lock_untraced. */
enum { SMP_CORES = 1, SMP_TRACED = 2 };
extern uint8_t smp;

/* Not shared_get, which would not be part of a comparison. */
static inline __attribute__((always_inline)) uint8_t smp_how(void)
{
#ifdef __SANITIZE_THREAD__
	return __atomic_load_n(&smp, __ATOMIC_RELAXED);
#else
	return smp;
#endif
}

#define assert_nopreempt()  kassert(arch_current()->nopreempt > 0)
#define assert_locked(lock) kassert(atomic_load_explicit(&(lock)->held, memory_order_relaxed))

/* Serves what interrupts asked for while preemption was off. */
void sched_resched(void);

static inline void preempt_disable(void)
{
	arch_current()->nopreempt++;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void preempt_enable(void)
{
	struct co *self = arch_current();

	atomic_signal_fence(memory_order_seq_cst);
	/* An interrupt between the two lines preempts by itself: nothing is lost. */
	if (--self->nopreempt == 0 && unlikely(*(volatile uint8_t *)&self->need_resched))
		sched_resched();
}

/* Both: the caller holds preemption off. */
static inline bool spin_try_lock(struct spinlock *lock)
{
	assert_nopreempt();
	/* acquire: with the release in spin_unlock. */
	return !atomic_exchange_explicit(&lock->held, 1, memory_order_acquire);
}

/* The rest of spin_lock, when it is held. */
void spin_wait(struct spinlock *lock);

/* Also from handlers, whose interrupted coroutine may have it: false after so many ns without it. */
bool spin_lock_for(struct spinlock *lock, uint64_t time);

/* how: what smp is. */
static inline __attribute__((always_inline)) void spin_lock_as(struct spinlock *lock, uint8_t how)
{
	assert_nopreempt();
	if (!how) {
		kassert(!atomic_load_explicit(&lock->held, memory_order_relaxed));
		atomic_store_explicit(&lock->held, 1, memory_order_relaxed);
		return;
	}
	if (unlikely(!spin_try_lock(lock)))
		spin_wait(lock);
}

static inline __attribute__((always_inline)) void spin_lock(struct spinlock *lock)
{
	spin_lock_as(lock, smp_how() & SMP_CORES);
}

static inline void spin_unlock(struct spinlock *lock)
{
	assert_locked(lock);
#ifdef PLANT_RELAXED_UNLOCK
	atomic_store_explicit(&lock->held, 0, memory_order_relaxed); /* the fault */
#else
	/* release: with the acquire in spin_lock. */
	atomic_store_explicit(&lock->held, 0, memory_order_release);
#endif
}

/* Both at once. */
static inline void lock(struct spinlock *lock)
{
	preempt_disable();
	spin_lock(lock);
}

/* The same; false: preemption is held off, but the lock is not taken, for a timeline is recorded, and what
 * follows is to be on it. Where there is one core this costs no more than lock. */
static inline __attribute__((always_inline)) bool lock_untraced(struct spinlock *lock)
{
	preempt_disable();

	if (!smp_how()) {
		spin_lock_as(lock, 0);
		return true;
	}
	if (unlikely(shared_get(smp) & SMP_TRACED))
		return false;
	spin_lock_as(lock, SMP_CORES);
	return true;
}

static inline void unlock(struct spinlock *lock)
{
	spin_unlock(lock);
	preempt_enable();
}

#endif
