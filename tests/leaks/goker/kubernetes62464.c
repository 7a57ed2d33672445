/* The state is read under the read lock, by a function that takes it again; a writer comes in between. */
// leaks: 1 "reconcile" waiting for rwmutex rlock
// leaks: 1 "remove_container" waiting for rwmutex lock
#include "goker.h"

static void remove_container(void *state)
{
	rwmutex_lock(state);
	rwmutex_unlock(state);
}

static bool get_set(struct rwmutex *state)
{
	rwmutex_rlock(state);
	rwmutex_runlock(state);
	return true;
}

static void reconcile(void *state)
{
	rwmutex_rlock(state);
	go(remove_container, state);
	until_writer_waits(state);
	get_set(state);
	rwmutex_runlock(state);
}

int main(void)
{
	go(reconcile, make_new(struct rwmutex));
	return settled();
}
