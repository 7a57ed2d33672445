/* A buffer with a lock and two conditions, looked at again after every wait. */
#include <vole.h>

enum { PLACES = 2, EACH = 3 };

static struct mutex lock;
static struct cond not_full, not_empty;
static int place[PLACES], first, filled, sum;

static void producer(void *arg)
{
	(void)arg;
	for (int i = 1; i <= EACH; i++) {
		mutex_lock(&lock);
		while (filled == PLACES)
			cond_wait(&not_full, &lock);
		place[(first + filled++) % PLACES] = i;
		cond_signal(&not_empty);
		mutex_unlock(&lock);
	}
}

static void consumer(void *arg)
{
	(void)arg;
	for (int i = 1; i <= EACH; i++) {
		mutex_lock(&lock);
		while (filled == 0)
			cond_wait(&not_empty, &lock);
		sum += place[first];
		first = (first + 1) % PLACES;
		filled--;
		cond_signal(&not_full);
		mutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 2; i++) {
		waitgroup_go(&all, producer, NULL);
		waitgroup_go(&all, consumer, NULL);
	}
	waitgroup_wait(&all);
	return sum != 2 * EACH * (EACH + 1) / 2;
}
