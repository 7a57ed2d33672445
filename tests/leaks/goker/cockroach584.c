/* A loop is left with the mutex locked, and the next one locks it again. */
// leaks: 1 "gossip" waiting for sema acquire
#include "goker.h"

struct gossip {
	struct sema *mutex;
	bool closed;
};

static void bootstrap(struct gossip *g)
{
	for (;;) {
		sema_acquire(g->mutex);
		if (g->closed)
			break; /* without giving it back */
		sema_release(g->mutex);
	}
}

static void gossip(void *arg)
{
	bootstrap(arg);
	bootstrap(arg);
}

int main(void)
{
	struct gossip *g = make_new(struct gossip);

	*g = (struct gossip){make_lock(), true};
	go(gossip, g);
	return settled();
}
