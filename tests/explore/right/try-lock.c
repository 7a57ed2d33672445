/* Unlocks only what it has got. */
#include <vole.h>

static struct mutex lock;
static int visits;

static void visitor(void *arg)
{
	(void)arg;
	if (mutex_try_lock(&lock)) {
		visits++;
		mutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, visitor, NULL);
	waitgroup_go(&both, visitor, NULL);
	waitgroup_wait(&both);
	return visits < 1;
}
