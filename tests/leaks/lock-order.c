/* Two mutexes are locked in different orders. */
// leaks: 1 "one_way" waiting for mutex lock
// leaks: 1 "other_way" waiting for mutex lock
#include <stdlib.h>
#include <vole.h>

struct pair {
	struct mutex a, b;
	struct event a_locked, b_locked;
};

static void one_way(void *arg)
{
	struct pair *pair = arg;

	mutex_lock(&pair->a);
	event_post(&pair->a_locked);
	event_wait(&pair->b_locked);
	mutex_lock(&pair->b);
	mutex_unlock(&pair->b);
	mutex_unlock(&pair->a);
}

static void other_way(void *arg)
{
	struct pair *pair = arg;

	mutex_lock(&pair->b);
	event_post(&pair->b_locked);
	event_wait(&pair->a_locked);
	mutex_lock(&pair->a);
	mutex_unlock(&pair->a);
	mutex_unlock(&pair->b);
}

int main(void)
{
	struct pair *pair = calloc(1, sizeof *pair);

	go(one_way, pair);
	go(other_way, pair);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
