/* A generator and its caller share a variable by turns. */
#include <vole.h>

static int turns;

static void count(struct gen *g, void *arg)
{
	(void)arg;
	for (int i = 1; i <= 3; i++) {
		turns++;
		if (gen_yield(g, &i) != 0)
			return;
	}
}

static void user(void *arg)
{
	struct gen *g = gen_make(count, NULL, sizeof(int));
	int value, *sum = arg;

	while (gen_next(g, &value) == 0) {
		turns++;
		*sum += value;
	}
	gen_free(g);
}

int main(void)
{
	struct waitgroup one = {0};
	int sum = 0;

	waitgroup_go(&one, user, &sum);
	waitgroup_wait(&one);
	return sum != 6 || turns != 6;
}
