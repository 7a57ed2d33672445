/*
 * Two may both find that a block is not freed yet, and both free it.
 * fault: memory or race
 */
#include <stdlib.h>
#include <vole.h>

static _Atomic(void *) block;

static void drop(void *arg)
{
	void *found = block;

	(void)arg;
	if (found) {
		block = NULL;
		free(found);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	block = malloc(100);
	waitgroup_go(&both, drop, NULL);
	waitgroup_go(&both, drop, NULL);
	waitgroup_wait(&both);
	return 0;
}
