/*
 * skynet.c N: a coroutine starts ten, each of those ten more, down to N leaves, each of which
 * sends its number up; the others send the sum of what they got. ms for all.
 */
#include "bench.h"

enum { CHILDREN = 10 };

struct node {
	struct chan *up;
	long first, leaves;
};

static void node(void *arg)
{
	struct node *self = arg;
	long sum = 0, part;

	if (self->leaves == 1) {
		chan_send(self->up, &self->first);
		return;
	}

	struct node child = {chan_of(long, 0), self->first, self->leaves / CHILDREN};

	for (int i = 0; i < CHILDREN; i++) {
		must(go_copy(node, &child, sizeof child) == 0, "a coroutine starts");
		child.first += child.leaves;
	}
	for (int i = 0; i < CHILDREN; i++) {
		chan_recv(child.up, &part);
		sum += part;
	}
	chan_free(child.up);
	chan_send(self->up, &sum);
}

static void run(long leaves)
{
	struct node root = {chan_of(long, 0), 0, leaves};
	long sum;

	must(root.up && go_copy(node, &root, sizeof root) == 0, "a coroutine starts");
	chan_recv(root.up, &sum);
	must(sum == leaves * (leaves - 1) / 2, "the sum");
	chan_free(root.up);
}

int main(int argc, char **argv)
{
	long leaves = number(argc, argv, 1, 1000000);

	run(leaves);

	uint64_t start = time_now();

	run(leaves);
	start = time_now() - start;
	report((double)start / 1e6, "ms", "skynet");
	return 0;
}
