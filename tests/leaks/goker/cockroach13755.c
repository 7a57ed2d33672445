/* The rows that a query has found are not closed: who waits for that waits for ever. */
// leaks: 1 "rows_await_done" waiting for chan receive
#include "goker.h"

struct rows {
	struct chan *done;
	int closed;
};

static void rows_await_done(void *arg)
{
	struct rows *rows = arg;

	take(rows->done);
	rows->closed = 1;
}

static void query(void)
{
	struct rows *rows = make_new(struct rows);

	rows->done = signals(0);
	go(rows_await_done, rows);
}

int main(void)
{
	query();
	return settled();
}
