/*
 * Dekker's way to keep two apart: all its accesses are in one order (seq_cst), so one of the two
 * sees the other.
 */
#include <vole.h>

static _Atomic bool wants[2];
static int inside;

static void enter(int me)
{
	for (bool done = false; !done;) {
		wants[me] = true;
		if (!wants[!me]) {
			inside++;
			done = true;
		}
		wants[me] = false;
		go_yield();
	}
}

static void first(void *arg)
{
	(void)arg;
	enter(0);
}

static void second(void *arg)
{
	(void)arg;
	enter(1);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, first, NULL);
	waitgroup_go(&both, second, NULL);
	waitgroup_wait(&both);
	return inside != 2;
}
