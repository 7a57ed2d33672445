/*
 * A barrier that may be used again: who waits, waits for the next round, not for a count that
 * begins anew.
 */
#include <vole.h>

enum { WORKERS = 2, ROUNDS = 2 };

static struct mutex lock;
static struct cond next_round;
static int here, round;
static int results[ROUNDS][WORKERS];

static void barrier(void)
{
	mutex_lock(&lock);
	int mine = round;

	if (++here == WORKERS) {
		here = 0;
		round++;
		cond_broadcast(&next_round);
	}
	while (round == mine)
		cond_wait(&next_round, &lock);
	mutex_unlock(&lock);
}

static void worker(void *arg)
{
	int me = (int)(uintptr_t)arg;

	for (int r = 0; r < ROUNDS; r++) {
		results[r][me] = r;
		barrier();
		if (results[r][!me] != r)
			runtime_panic("somebody is late");
	}
}

int main(void)
{
	struct waitgroup both = {0};

	for (uintptr_t i = 0; i < WORKERS; i++)
		waitgroup_go(&both, worker, (void *)i);
	waitgroup_wait(&both);
	return 0;
}
