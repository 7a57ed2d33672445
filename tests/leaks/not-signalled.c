/* Two wait for a condition, and one is told of it. */
// leaks: 1 "waiter" waiting for cond wait
#include <stdlib.h>
#include <vole.h>

struct box {
	struct mutex mutex;
	struct cond changed;
	int waiting;
	bool full;
};

static void waiter(void *arg)
{
	struct box *box = arg;

	mutex_lock(&box->mutex);
	box->waiting++;
	while (!box->full)
		cond_wait(&box->changed, &box->mutex);
	mutex_unlock(&box->mutex);
}

int main(void)
{
	struct box *box = calloc(1, sizeof *box);

	go(waiter, box);
	go(waiter, box);
	mutex_lock(&box->mutex);
	while (box->waiting < 2) {
		mutex_unlock(&box->mutex);
		time_sleep(NSEC_PER_MSEC);
		mutex_lock(&box->mutex);
	}
	box->full = true;
	cond_signal(&box->changed);
	mutex_unlock(&box->mutex);
	time_sleep(5 * NSEC_PER_MSEC);
	return 0;
}
