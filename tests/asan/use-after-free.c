/* A worker keeps a pointer to what main frees. */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

static int *shared;

static void worker(void *arg)
{
	(void)arg;
	free(shared);
}

int main(void)
{
	struct waitgroup wg = {0};

	shared = malloc(10 * sizeof(*shared));
	shared[3] = 7;
	waitgroup_go(&wg, worker, NULL);
	waitgroup_wait(&wg);
	printf("%d\n", shared[3]);
	return 0;
}
