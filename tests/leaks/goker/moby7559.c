/* A connection cannot be made, and the loop goes on with the lock held, which it takes again. */
// leaks: 1 "proxy_run" waiting for sema acquire
#include "goker.h"

static int dial(void)
{
	return -1;
}

static void proxy_run(void *mutex)
{
	for (int i = 0; i < 2; i++) {
		sema_acquire(mutex);
		if (dial() < 0)
			continue; /* without giving it back */
		sema_release(mutex);
	}
}

int main(void)
{
	go(proxy_run, make_lock());
	return settled();
}
