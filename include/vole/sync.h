/*
 * Synchronisation. Zeroed objects are ready to use, and may be overwritten when nobody uses them.
 * Calls that may wait: from coroutines only.
 */
#ifndef VOLE_SYNC_H
#define VOLE_SYNC_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Mutual exclusion between coroutines. Not recursive: misuse panics. No waiter starves: one that
 * has waited for 1 ms is served next. Not cancellable. Where nothing else waits for its core, the caller
 * looks for some 20 us before it stops.
 */
struct mutex {
	VOLE_ATOMIC(uintptr_t) state; /* who holds it, and a flag */
	struct spinlock lock;
	struct wait_queue waiters; /* guarded by lock */
};

void mutex_lock(struct mutex *m);
bool mutex_try_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* Readers together, or one writer. A writer that waits stops new readers. Not cancellable. */
struct rwmutex {
	struct spinlock lock;
	/* guarded by lock */
	int32_t readers;
	uint64_t writer;           /* who holds it, or 0 */
	struct wait_queue waiters; /* readers and writers, in the order of their coming */
};

void rwmutex_lock(struct rwmutex *m);
void rwmutex_unlock(struct rwmutex *m);
void rwmutex_rlock(struct rwmutex *m);
void rwmutex_runlock(struct rwmutex *m);
bool rwmutex_try_lock(struct rwmutex *m);
bool rwmutex_try_rlock(struct rwmutex *m);

/*
 * A condition to wait for, with the mutex that guards it, which the caller holds. Returns only when
 * signalled (0), timed out (-ETIMEDOUT) or cancelled (-ECANCELED), with the mutex locked again.
 */
struct cond {
	struct spinlock lock;
	struct wait_queue waiters; /* guarded by lock */
};

int cond_wait(struct cond *c, struct mutex *m);
int cond_wait_until(struct cond *c, struct mutex *m, uint64_t deadline);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* Runs fn(arg) the first time; every call returns after that has ended. */
struct once {
	VOLE_ATOMIC(uint32_t) done;
	struct mutex mutex;
};

void once_do(struct once *o, go_fn *fn, void *arg);

/* Waits for a number of things to be done. A negative count panics. */
struct waitgroup {
	struct spinlock lock;
	int32_t count; /* guarded by lock, as the rest */
	struct wait_queue waiters;
};

void waitgroup_add(struct waitgroup *wg, int delta);
void waitgroup_done(struct waitgroup *wg);

/* Starts fn(arg), counted until it ends. 0, -ENOMEM, -EINVAL. */
int waitgroup_go(struct waitgroup *wg, go_fn *fn, void *arg);

/* 0 when the count is 0; -ETIMEDOUT; -ECANCELED. */
int waitgroup_wait(struct waitgroup *wg);
int waitgroup_wait_until(struct waitgroup *wg, uint64_t deadline);

/* A counting semaphore, FIFO. 0, -ETIMEDOUT, -ECANCELED; try: -EAGAIN. */
struct sema {
	struct spinlock lock;
	uint32_t count; /* guarded by lock, as the rest */
	struct wait_queue waiters;
};

void sema_init(struct sema *s, unsigned n);
int sema_acquire(struct sema *s);
int sema_try_acquire(struct sema *s);
int sema_acquire_until(struct sema *s, uint64_t deadline);
void sema_release(struct sema *s);

/*
 * What an interrupt handler signals. event_post may be called anywhere; posts that nobody waits for
 * are remembered as one. One waiter at a time. 0, -ETIMEDOUT, -ECANCELED; -EBUSY: another waits.
 */
struct event {
	VOLE_ATOMIC(uintptr_t) state; /* 0, 1: posted, or the waiter */
};

int event_wait(struct event *e);
int event_wait_until(struct event *e, uint64_t deadline);
void event_post(struct event *e);

#ifdef __cplusplus
}
#endif

#endif
