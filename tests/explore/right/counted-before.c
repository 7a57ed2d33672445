/* Workers are counted before they start; what each has written is there when the wait is over. */
#include <vole.h>

enum { WORKERS = 3 };

static struct waitgroup all;
static int results[WORKERS];

static void worker(void *arg)
{
	*(int *)arg = 1;
	waitgroup_done(&all);
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < WORKERS; i++) {
		waitgroup_add(&all, 1);
		go(worker, &results[i]);
	}
	waitgroup_wait(&all);
	for (int i = 0; i < WORKERS; i++)
		sum += results[i];
	return sum != WORKERS;
}
