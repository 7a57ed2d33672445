/* A queue is to be processed, and processing waits for the end of the store, which its owner is to tell after that. */
// leaks: 1 "test_queue" waiting for chan receive
#include "goker.h"

struct store {
	struct chan *quiescing;
};

static void process(struct store *s)
{
	take(s->quiescing);
}

static void test_queue(void *unused)
{
	struct store *s = make_new(struct store);

	(void)unused;
	s->quiescing = signals(0);
	for (int i = 0; i < 2; i++)
		process(s);
	chan_close(s->quiescing);
}

int main(void)
{
	go(test_queue, NULL);
	return settled();
}
