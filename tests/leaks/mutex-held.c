/* Who has locked a mutex waits for those who are to lock it. */
// leaks: 1 "holder" waiting for waitgroup wait
// leaks: 2 "locker" waiting for mutex lock
#include <stdlib.h>
#include <vole.h>

struct state {
	struct mutex mutex;
	struct waitgroup done;
};

static void locker(void *arg)
{
	struct state *state = arg;

	mutex_lock(&state->mutex);
	mutex_unlock(&state->mutex);
	waitgroup_done(&state->done);
}

static void holder(void *arg)
{
	struct state *state = arg;

	mutex_lock(&state->mutex);
	for (int i = 0; i < 2; i++)
		go(locker, state);
	waitgroup_wait(&state->done);
	mutex_unlock(&state->mutex);
	free(state);
}

int main(void)
{
	struct state *state = calloc(1, sizeof *state);

	waitgroup_add(&state->done, 2);
	go(holder, state);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
