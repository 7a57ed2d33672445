/* A compactor begins with a send to itself, where its channel is full already. */
// leaks: 1 "compactor_start" waiting for chan send
#include "goker.h"

static void compact(void *c)
{
	take(c);
}

static void compactor_start(void *c)
{
	give(c);
	go(compact, c);
}

int main(void)
{
	struct chan *c = signals(1);

	give(c);
	go(compactor_start, c);
	return settled();
}
