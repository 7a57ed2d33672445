/*
 * newlib's locks. All are recursive here: the owner is the coroutine, wherever it runs, and only the
 * owner touches depth. Before there are coroutines, and in a panic, nothing is locked: at boot there
 * is nobody else, in a panic the holder may have been stopped.
 */
#include <newlib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/lock.h>

#include <vole/sync.h>

#include "arch/arch.h"
#include "debug/panic.h"
#include "kernel/co.h"
#include "kernel/heap.h"
#include "libc/state.h"

struct __lock {
	struct mutex mutex;
	_Atomic uint64_t owner; /* a holder; compared with oneself only, so any order will do */
	uint32_t depth;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;
struct __lock libc_lock_in, libc_lock_out;

/* Shared by all for which there was no memory: newlib has no way to be told. */
static struct __lock last_resort;

static bool nothing_to_lock(void)
{
	return shared_get(panicking) || arch_current()->flags & CO_KERNEL;
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
	*lock = heap_alloc(sizeof(**lock));
	if (*lock)
		memset(*lock, 0, sizeof(**lock));
	else
		*lock = &last_resort;
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	if (lock == &libc_lock_in || lock == &libc_lock_out)
		libc_streams_closed();
	else if (lock != &last_resort) {
		libc_stream_closed(lock);
		heap_free(lock);
	}
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	struct co *self = arch_current();

	if (nothing_to_lock())
		return;
	if (atomic_load_explicit(&lock->owner, memory_order_relaxed) != self->holder) {
		mutex_lock(&lock->mutex);
		atomic_store_explicit(&lock->owner, self->holder, memory_order_relaxed);
	}
	lock->depth++;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	struct co *self = arch_current();

	if (nothing_to_lock())
		return 1;
	if (atomic_load_explicit(&lock->owner, memory_order_relaxed) != self->holder) {
		if (!mutex_try_lock(&lock->mutex))
			return 0;
		atomic_store_explicit(&lock->owner, self->holder, memory_order_relaxed);
	}
	lock->depth++;
	return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	if (nothing_to_lock())
		return;
	/* mutex_unlock says what is wrong where another holds it. */
	if (atomic_load_explicit(&lock->owner, memory_order_relaxed) == arch_current()->holder) {
		if (lock == &libc_lock_out && lock->depth == 1)
			libc_stderr_flush();
		if (--lock->depth > 0)
			return;
	}
	atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
	mutex_unlock(&lock->mutex);
}

void __retarget_lock_init(_LOCK_T *lock)
{
	__retarget_lock_init_recursive(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
	__retarget_lock_close_recursive(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
	__retarget_lock_acquire_recursive(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
	return __retarget_lock_try_acquire_recursive(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
	__retarget_lock_release_recursive(lock);
}
