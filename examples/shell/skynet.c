/*
 * skynet: a coroutine starts ten, each of those ten more, and so on to N leaves; every leaf sends
 * its number up, every other one the sum of what it got.
 */
#include "shell.h"

enum { CHILDREN = 10 };

struct node {
	struct chan *up; /* room for what all siblings send */
	uint64_t first, leaves;
};

static atomic_bool failed;

static void node(void *arg);

static uint64_t sum_of_children(const struct node *parent)
{
	struct chan *up = chan_of(uint64_t, CHILDREN);
	struct node child = {up, parent->first, 0};
	uint64_t sum = 0, part;
	int started = 0;

	for (int i = 0; up && i < CHILDREN; i++) {
		child.leaves = (parent->leaves + i) / CHILDREN;
		if (child.leaves == 0)
			continue;
		if (go_copy(node, &child, sizeof child) < 0)
			break;
		started++;
		child.first += child.leaves;
	}
	if (child.first != parent->first + parent->leaves)
		failed = true;
	for (int i = 0; i < started; i++) {
		chan_recv(up, &part);
		sum += part;
	}
	chan_free(up);
	return sum;
}

static void node(void *arg)
{
	struct node *self = arg;
	uint64_t sum = self->leaves == 1 ? self->first : sum_of_children(self);

	chan_send(self->up, &sum);
}

void skynet(int argc, char **argv)
{
	struct runtime_stats before, after;
	struct node root = {NULL, 0, 10000};
	uint64_t start = time_now(), sum, made;

	if (!take_number(argc, argv, 2, UINT32_MAX, &root.leaves))
		return;
	runtime_stats(&before);
	failed = false;
	sum = sum_of_children(&root);
	start = time_now() - start;
	runtime_stats(&after);
	made = after.spawned - before.spawned;
	if (failed) {
		printf("%s: out of memory after %s coroutines\n", argv[0], show_number(made).s);
		return;
	}
	printf("0 + 1 + ... + %" PRIu64 " = %" PRIu64 "%s\n", root.leaves - 1, sum,
	       sum == root.leaves * (root.leaves - 1) / 2 ? "" : ", which is WRONG");
	printf("%s coroutines in %s, %s each.\n", show_number(made).s, show_time(start).s,
	       show_time(start / made).s);
}
