/* One pushes a row into a full channel whose consumer has gone without closing it. */
// leaks: 1 "push" waiting for chan send
// leaks: 1 "test_outbox" waiting for chan send
#include "goker.h"

enum { ROWS = 16 };

static void push(void *rows)
{
	give(rows);
}

static void main_loop(void *done)
{
	waitgroup_done(done);
}

static void test_outbox(void *unused)
{
	struct chan *rows = signals(ROWS);
	struct waitgroup done = {0};

	(void)unused;
	for (int i = 0; i < ROWS; i++)
		give(rows);
	go(push, rows);
	waitgroup_add(&done, 1);
	go(main_loop, &done);
	waitgroup_wait(&done);
	give(rows);
}

int main(void)
{
	go(test_outbox, NULL);
	return settled();
}
