/* Statuses are sent with the lock held, and who takes one needs the lock before it takes the next. */
// leaks: 1 "sync_batches" waiting for rwmutex lock
// leaks: 1 "set_status" waiting for chan send
#include "goker.h"

struct status {
	struct rwmutex mutex;
	struct chan *c;
	struct sema second;
};

static void sync_batches(void *arg)
{
	struct status *s = arg;

	for (int i = 0; i < 2; i++) {
		take(s->c);
		sema_acquire(&s->second);
		rwmutex_lock(&s->mutex);
		rwmutex_unlock(&s->mutex);
	}
}

static void set_status(void *arg)
{
	struct status *s = arg;

	rwmutex_lock(&s->mutex);
	give(s->c);
	rwmutex_unlock(&s->mutex);
	rwmutex_lock(&s->mutex);
	sema_release(&s->second);
	give(s->c);
	rwmutex_unlock(&s->mutex);
}

int main(void)
{
	struct status *s = make_new(struct status);

	s->c = signals(0);
	go(sync_batches, s);
	go(set_status, s);
	return settled();
}
