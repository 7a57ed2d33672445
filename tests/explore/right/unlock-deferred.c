/*
 * Locks are given back by deferred calls, and a timer releases a semaphore: the kernel calls these functions
 * in the program's place.
 */
#include <vole.h>

enum { WORKERS = 3 };

static struct mutex mutex;
static struct rwmutex rwmutex;
static struct sema turn, fired;
static int counted[3];

static void count(void *arg)
{
	(void)arg;
	mutex_lock(&mutex);
	go_defer((go_fn *)mutex_unlock, &mutex);
	counted[0]++;
	rwmutex_lock(&rwmutex);
	go_defer((go_fn *)rwmutex_unlock, &rwmutex);
	counted[1]++;
	sema_acquire(&turn);
	go_defer((go_fn *)sema_release, &turn);
	counted[2]++;
}

int main(void)
{
	struct waitgroup wg = {0};
	struct timer timer = {0};
	int before = 1;

	sema_init(&turn, 1);
	sema_init(&fired, 0);
	for (int i = 0; i < WORKERS; i++)
		waitgroup_go(&wg, count, NULL);
	timer_start(&timer, time_now() + 1000, 0, (go_fn *)sema_release, &fired);
	sema_acquire(&fired);
	waitgroup_wait(&wg);
	for (int i = 0; i < 3; i++)
		before += counted[i];
	return before == 1 + 3 * WORKERS ? 0 : 1;
}
