/* Two results that are computed meanwhile; a future may be waited for by several. */
#include <vole.h>

static struct future half[2];
static int results[2];
static _Atomic int sum;

static void *compute(void *arg)
{
	*(int *)arg = 21;
	return arg;
}

static void user(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		void *result;

		future_await(&half[i], &result);
		sum += *(int *)result;
	}
}

int main(void)
{
	struct waitgroup both = {0};

	for (int i = 0; i < 2; i++)
		future_start(&half[i], compute, &results[i]);
	waitgroup_go(&both, user, NULL);
	waitgroup_go(&both, user, NULL);
	waitgroup_wait(&both);
	return sum != 84;
}
