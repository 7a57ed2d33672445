/*
 * Three philosophers, three forks, and each takes the left one first.
 * fault: deadlock
 */
#include <vole.h>

enum { SEATS = 3 };

static struct sema fork_at[SEATS];

static void philosopher(void *arg)
{
	int seat = *(const int *)arg;

	for (int meal = 0; meal < 4; meal++) {
		sema_acquire(&fork_at[seat]);
		sema_acquire(&fork_at[(seat + 1) % SEATS]);
		sema_release(&fork_at[(seat + 1) % SEATS]);
		sema_release(&fork_at[seat]);
	}
}

int main(void)
{
	static const int seats[SEATS] = {0, 1, 2};
	struct waitgroup all = {0};

	for (int i = 0; i < SEATS; i++)
		sema_init(&fork_at[i], 1);
	for (int i = 0; i < SEATS; i++)
		waitgroup_go(&all, philosopher, (void *)&seats[i]);
	waitgroup_wait(&all);
	return 0;
}
