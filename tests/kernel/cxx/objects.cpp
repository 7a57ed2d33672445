#include <vole.h>

#include "parts.h"

struct object {
	int n;
	object() : n(constructed_before++ + 1)
	{
	}
	static int constructed_before;
};

int object::constructed_before;
static object first;

int constructed(void)
{
	return first.n * object::constructed_before;
}

struct job {
	struct chan *to;
	int n;
};

static void sender(void *arg)
{
	auto job = static_cast<struct job *>(arg);

	for (int i = 0; i < job->n; i++)
		chan_send(job->to, &i);
	chan_close(job->to);
}

int sum_by_channel(int n)
{
	job job = {chan_of(int, 3), n};
	int sum = 0, one;

	go_copy(sender, &job, sizeof job);
	while (chan_recv(job.to, &one) == 0)
		sum += one;
	chan_free(job.to);
	return sum;
}
