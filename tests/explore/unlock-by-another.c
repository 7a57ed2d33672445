/*
 * Tries to lock, and unlocks whether it got the lock or not.
 * fault: panic
 */
#include <vole.h>

static struct mutex lock;

static void visitor(void *arg)
{
	_Atomic int *visits = arg;

	if (mutex_try_lock(&lock))
		++*visits;
	mutex_unlock(&lock);
}

int main(void)
{
	struct waitgroup both = {0};
	_Atomic int visits = 0;

	waitgroup_go(&both, visitor, &visits);
	waitgroup_go(&both, visitor, &visits);
	waitgroup_wait(&both);
	return 0;
}
