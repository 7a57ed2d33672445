/* Tasks of a pool, each with a place of its own for its result. */
#include <vole.h>

enum { TASKS = 4 };

static struct waitgroup all;
static int results[TASKS];

static void task(void *arg)
{
	*(int *)arg += 1;
	waitgroup_done(&all);
}

int main(void)
{
	struct pool *pool = pool_make(2, 2);
	int sum = 0;

	waitgroup_add(&all, TASKS);
	for (int i = 0; i < TASKS; i++) {
		results[i] = i;
		pool_submit(pool, task, &results[i]);
	}
	waitgroup_wait(&all);
	pool_free(pool);
	for (int i = 0; i < TASKS; i++)
		sum += results[i];
	return sum != TASKS * (TASKS + 1) / 2;
}
