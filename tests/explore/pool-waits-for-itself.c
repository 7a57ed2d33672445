/*
 * A task that waits for another task of the same pool: when all workers do so, nobody runs that
 * one.
 * fault: deadlock
 */
#include <vole.h>

static struct pool *pool;

static void part(void *arg)
{
	sema_release(arg);
}

static void whole(void *arg)
{
	struct sema done;

	sema_init(&done, 0);
	pool_submit(pool, part, &done);
	sema_acquire(&done);
	waitgroup_done(arg);
}

int main(void)
{
	struct waitgroup both = {0};

	pool = pool_make(2, 4);
	waitgroup_add(&both, 2);
	pool_submit(pool, whole, &both);
	pool_submit(pool, whole, &both);
	waitgroup_wait(&both);
	pool_free(pool);
	return 0;
}
