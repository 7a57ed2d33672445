/* What is done at the start with the lock held calls what takes the lock. */
// leaks: 1 "hot_add" waiting for sema acquire
#include "goker.h"

static void hot_remove(struct sema *mutex)
{
	sema_acquire(mutex);
	sema_release(mutex);
}

static void hot_add(void *mutex)
{
	sema_acquire(mutex);
	hot_remove(mutex);
	sema_release(mutex);
}

int main(void)
{
	go(hot_add, make_lock());
	return settled();
}
