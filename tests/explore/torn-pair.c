/*
 * Two numbers that belong together are atomic each, but not both at once.
 * fault: panic
 */
#include <vole.h>

static _Atomic int low, high;

static void writer(void *arg)
{
	(void)arg;
	for (int i = 1; i <= 3; i++) {
		low = i;
		high = i;
	}
}

static void reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		int h = high, l = low;

		if (l < h || l > h + 1)
			runtime_panic("%d and %d never were a pair", l, h);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, writer, NULL);
	waitgroup_go(&both, reader, NULL);
	waitgroup_wait(&both);
	return 0;
}
