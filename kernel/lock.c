#include "kernel/lock.h"

uint8_t smp;

/* Looks at the lock less and less often (Anderson 1990), up to a limit. Meanwhile whoever has it may
 * take it again and again, with all that it guards in the cache. */
void spin_wait(struct spinlock *lock)
{
	enum { MOST = 32 };

	for (int n = 1;; n = n < MOST ? n * 2 : n) {
		for (int i = 0; i < n; i++)
			arch_relax();
		if (!atomic_load_explicit(&lock->held, memory_order_relaxed) && spin_try_lock(lock))
			return;
	}
}

bool spin_lock_for(struct spinlock *lock, uint64_t time)
{
	uint64_t deadline = arch_clock() + time;

	while (!spin_try_lock(lock)) {
		if (arch_clock() > deadline)
			return false;
		arch_relax();
	}
	return true;
}
