/* A flow that is cancelled pushes to all its receivers; one has its channel full, and takes nothing. */
// leaks: 1 "flow_cancel" waiting for chan send
#include "goker.h"

struct flow {
	struct mutex registry;
	struct chan *streams[2];
};

static void flow_cancel(void *arg)
{
	struct flow *f = arg;
	struct chan *pending[2];

	mutex_lock(&f->registry);
	for (int i = 0; i < 2; i++)
		pending[i] = f->streams[i];
	mutex_unlock(&f->registry);
	for (int i = 0; i < 2; i++)
		give(pending[i]);
}

int main(void)
{
	struct flow *f = make_new(struct flow);

	f->streams[0] = signals(1);
	f->streams[1] = signals(1);
	give(f->streams[0]);
	go(flow_cancel, f);
	return settled();
}
