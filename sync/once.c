#include <vole/sync.h>

#include "debug/calls.h"
#include "debug/order.h"
#include "kernel/co.h"
#include "kernel/lock.h"

/* Also where fn has left by go_exit: it will not be run again, and the others go on. */
static void once_end(void *arg)
{
	struct once *o = arg;

	order_out(o);
	/* release: with the acquire in once_do; what fn did is seen. */
	atomic_store_explicit(&o->done, 1, memory_order_release);
	mutex_unlock(&o->mutex);
}

void once_do(struct once *o, go_fn *fn, void *arg)
{
	struct defer defer;

	call_may_wait("once_do");
	/* acquire: with the release in once_end. */
	if (atomic_load_explicit(&o->done, memory_order_acquire)) {
		order_in(o);
		return;
	}
	mutex_lock(&o->mutex);
	if (atomic_load_explicit(&o->done, memory_order_relaxed)) {
		mutex_unlock(&o->mutex);
		order_in(o);
		return;
	}
	co_defer(&defer, once_end, o);
	fn(arg);
	co_undefer(&defer);
	once_end(o);
}
