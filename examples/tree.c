/*
 * The same fringe: have two trees the same leaves, from left to right, whatever their shapes? Two
 * generators walk the trees, each with a stack of its own to recurse on, and hand out one leaf at
 * a time; nothing is walked beyond the first difference. Try `make run APP=examples/tree.c`.
 */
#include <stdio.h>
#include <string.h>
#include <vole.h>

struct tree {
	const char *leaf; /* NULL: a node with two branches */
	const struct tree *left, *right;
};

#define LEAF(word) (&(const struct tree){.leaf = (word)})
#define NODE(l, r) (&(const struct tree){.left = (l), .right = (r)})

/* Negative: the generator is being freed, and no more leaves are wanted. */
static int walk(struct gen *g, const struct tree *t)
{
	if (t->leaf)
		return gen_yield(g, &t->leaf);

	int error = walk(g, t->left);
	return error ? error : walk(g, t->right);
}

static void leaves(struct gen *g, void *arg)
{
	walk(g, arg);
}

static void compare(const char *names, const struct tree *a, const struct tree *b)
{
	struct gen *in_a = gen_make(leaves, (void *)a, sizeof a->leaf);
	struct gen *in_b = gen_make(leaves, (void *)b, sizeof b->leaf);

	for (int n = 1; in_a && in_b; n++) {
		const char *leaf_a = "the end", *leaf_b = "the end";
		int end_a = gen_next(in_a, &leaf_a), end_b = gen_next(in_b, &leaf_b);

		if (end_a && end_b) {
			printf("%s: the same %d leaves\n", names, n - 1);
			break;
		}
		if (end_a || end_b || strcmp(leaf_a, leaf_b) != 0) {
			printf("%s: leaf %d is %s here, %s there\n", names, n, leaf_a, leaf_b);
			break;
		}
	}
	gen_free(in_a); /* also one that is half way down its tree */
	gen_free(in_b);
}

int main(void)
{
	const struct tree *oak = NODE(NODE(LEAF("red"), LEAF("green")),
				      NODE(LEAF("blue"), LEAF("black")));
	const struct tree *fir = NODE(LEAF("red"),
				      NODE(LEAF("green"), NODE(LEAF("blue"), LEAF("black"))));
	const struct tree *elm = NODE(LEAF("red"),
				      NODE(NODE(LEAF("pink"), LEAF("blue")), LEAF("black")));
	const struct tree *yew = NODE(NODE(LEAF("red"), LEAF("green")), LEAF("blue"));

	compare("oak and fir", oak, fir);
	compare("oak and elm", oak, elm);
	compare("oak and yew", oak, yew);
	return 0;
}
