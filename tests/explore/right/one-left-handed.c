/* Three philosophers, of whom the last takes the right fork first; the forks count their meals. */
#include <vole.h>

enum { SEATS = 3 };

static struct mutex fork_at[SEATS];
static int meals[SEATS];

static void philosopher(void *arg)
{
	int left = (int)(uintptr_t)arg, right = (left + 1) % SEATS;
	int first = left < right ? left : right, second = left < right ? right : left;

	mutex_lock(&fork_at[first]);
	mutex_lock(&fork_at[second]);
	meals[left]++;
	meals[right]++;
	mutex_unlock(&fork_at[second]);
	mutex_unlock(&fork_at[first]);
}

int main(void)
{
	struct waitgroup all = {0};

	for (uintptr_t i = 0; i < SEATS; i++)
		waitgroup_go(&all, philosopher, (void *)i);
	waitgroup_wait(&all);
	return meals[0] + meals[1] + meals[2] != 2 * SEATS;
}
