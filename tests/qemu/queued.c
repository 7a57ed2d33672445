/* For debugger.py: a long queue at a channel, and many sleepers; a pool that is full, and a generator. */
#include <vole.h>

enum { WAITERS = 1500 };

static struct chan *queue;
static struct group sleepers;
static struct pool *pool;
static struct gen *gen;

static void waits(void *unused)
{
	(void)unused;
	chan_recv(queue, (int *)NULL);
}

static int sleeps(void *unused)
{
	(void)unused;
	return time_sleep(1000 * NSEC_PER_SEC);
}

static void task(void *unused)
{
	sleeps(unused);
}

static void counts(struct gen *g, void *unused)
{
	(void)unused;
	for (int i = 0; gen_yield(g, &i) == 0; i++)
		;
}

int main(void)
{
	int value;

	queue = chan_of(int, 0);
	group_init(&sleepers, TIME_NEVER);
	for (int i = 0; i < WAITERS; i++) {
		go(waits, NULL);
		group_go(&sleepers, sleeps, NULL);
	}
	pool = pool_make(1, 3);
	for (int i = 0; i < 3; i++)
		pool_submit(pool, task, NULL);
	gen = gen_make(counts, NULL, sizeof(int));
	gen_next(gen, &value);
	time_sleep(100 * NSEC_PER_MSEC);
	runtime_panic("all wait");
}
