/* The read lock is taken twice in a chain of calls, with a mutex between; a writer comes in the middle. */
// leaks: 1 "scan_and_process" waiting for rwmutex rlock
// leaks: 1 "process_store" waiting for rwmutex lock
#include "goker.h"

struct store {
	struct rwmutex mutex;
	struct mutex queue;
};

static void process_store(void *arg)
{
	struct store *s = arg;

	rwmutex_lock(&s->mutex);
	rwmutex_unlock(&s->mutex);
}

static void raft_status(struct store *s)
{
	rwmutex_rlock(&s->mutex);
	rwmutex_runlock(&s->mutex);
}

static void maybe_add(struct store *s)
{
	mutex_lock(&s->queue);
	raft_status(s);
	mutex_unlock(&s->queue);
}

static void scan_and_process(void *arg)
{
	struct store *s = arg;

	rwmutex_rlock(&s->mutex);
	go(process_store, s);
	until_writer_waits(&s->mutex);
	maybe_add(s);
	rwmutex_runlock(&s->mutex);
}

int main(void)
{
	go(scan_and_process, make_new(struct store));
	return settled();
}
