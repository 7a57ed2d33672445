#include "kernel/lock.h"

/* Looks at the lock less and less often (Anderson 1990), up to every microsecond or so. Meanwhile
 * whoever has it may take it again and again, with all that it guards in the cache. */
void spin_wait(struct spinlock *lock)
{
	enum { MOST = 32 };

	for (int n = 1;; n = n < MOST ? n * 2 : n) {
		for (int i = 0; i < n; i++)
			arch_relax();
		/* acquire: with the release in spin_unlock. */
		if (!atomic_load_explicit(&lock->held, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&lock->held, 1, memory_order_acquire))
			return;
	}
}
