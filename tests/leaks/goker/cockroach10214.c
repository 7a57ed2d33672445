/* Heartbeats lock the coalesced ones, then a replica; a tick of the replica locks in the other order. */
// leaks: 1 "send_heartbeats" waiting for mutex lock
// leaks: 1 "tick" waiting for mutex lock
#include "goker.h"

struct store {
	struct mutex coalesced, raft;
	struct sema sending, ticking;
};

static void send_heartbeats(void *arg)
{
	struct store *s = arg;

	mutex_lock(&s->coalesced);
	sema_release(&s->sending);
	sema_acquire(&s->ticking);
	mutex_lock(&s->raft);
	mutex_unlock(&s->raft);
	mutex_unlock(&s->coalesced);
}

static void tick(void *arg)
{
	struct store *s = arg;

	mutex_lock(&s->raft);
	sema_release(&s->ticking);
	sema_acquire(&s->sending);
	mutex_lock(&s->coalesced);
	mutex_unlock(&s->coalesced);
	mutex_unlock(&s->raft);
}

int main(void)
{
	struct store *s = make_new(struct store);

	go(send_heartbeats, s);
	go(tick, s);
	return settled();
}
