#include <vole/sync.h>

#include "kernel/lock.h"

void once_do(struct once *o, go_fn *fn, void *arg)
{
	/* acquire: with the release below. */
	if (atomic_load_explicit(&o->done, memory_order_acquire))
		return;
	mutex_lock(&o->mutex);
	if (!atomic_load_explicit(&o->done, memory_order_relaxed)) {
		fn(arg);
		/* release: with the acquire above; what fn did is seen. */
		atomic_store_explicit(&o->done, 1, memory_order_release);
	}
	mutex_unlock(&o->mutex);
}
