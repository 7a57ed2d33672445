/* The endpoints are set under the write lock; to find the leader, the client is asked, which takes the read lock. */
// leaks: 1 "sync_endpoints" waiting for sema acquire
#include "goker.h"

static void client_do(struct sema *lock)
{
	sema_acquire(lock); /* for reading */
	sema_release(lock);
}

static void leader_endpoint(struct sema *lock)
{
	client_do(lock);
}

static void sync_endpoints(void *lock)
{
	sema_acquire(lock); /* for writing */
	leader_endpoint(lock);
	sema_release(lock);
}

int main(void)
{
	go(sync_endpoints, make_lock());
	return settled();
}
