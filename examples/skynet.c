/*
 * A coroutine starts ten, each of those ten more, down to 100,000 leaves. Each leaf sends its number up, and
 * every other one the sum of what it got. ARGS=1000 makes fewer leaves, and a power of ten it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

enum { CHILDREN = 10 };

struct node {
	struct chan *up;
	long first, leaves;
};

static void node(void *arg)
{
	struct node *self = arg;
	long sum = self->first;

	if (self->leaves > 1) {
		struct node child = {chan_of(long, CHILDREN), self->first, self->leaves / CHILDREN};

		sum = 0;
		for (int i = 0; i < CHILDREN; i++, child.first += child.leaves)
			if (!child.up || go_copy(node, &child, sizeof child))
				runtime_panic("out of memory");
		for (int i = 0; i < CHILDREN; i++) {
			long part;

			chan_recv(child.up, &part);
			sum += part;
		}
		chan_free(child.up);
	}
	chan_send(self->up, &sum);
}

int main(int argc, char **argv)
{
	struct node root = {chan_of(long, 1), 0, argc > 1 ? atol(argv[1]) : 100000};
	uint64_t start = time_now();
	long sum;

	if (!root.up || go_copy(node, &root, sizeof root))
		return 1;
	chan_recv(root.up, &sum);
	chan_free(root.up);
	printf("the numbers below %ld are %ld together, after %.0f ms\n", root.leaves, sum,
	       (double)(time_now() - start) / 1e6);
	return 0;
}
