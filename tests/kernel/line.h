/* A line of coroutines: each waits for the one before it, and leads to the next. */
#ifndef TEST_LINE_H
#define TEST_LINE_H

#include "test.h"

static void next_in_line(void *arg)
{
	struct chan **ends = arg;

	chan_recv(ends[0], (int *)NULL);
	chan_close(ends[1]);
}

static struct chan *line(int n)
{
	struct chan *first = chan_of(int, 0), *last = first;

	for (int i = 0; i < n; i++) {
		struct chan *ends[2] = {last, chan_of(int, 0)};

		go_copy(next_in_line, ends, sizeof ends);
		last = ends[1];
	}
	return first;
}

#endif
