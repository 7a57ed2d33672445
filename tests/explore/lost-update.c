/*
 * Two coroutines add to a number in two steps, and one addition is lost.
 * fault: status
 */
#include <vole.h>

enum { EACH = 4 };

static _Atomic int number;

static void add(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH; i++) {
		int was = number;

		number = was + 1;
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, add, NULL);
	waitgroup_go(&both, add, NULL);
	waitgroup_wait(&both);
	return number != 2 * EACH;
}
