/* Many want a mutex, for a moment each: it is handed on, taken, and left with nobody waiting. */
#include <vole.h>

static struct mutex mutex;
static int count;

static void one(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++) {
		mutex_lock(&mutex);
		count++;
		if (i & 1)
			go_yield();
		mutex_unlock(&mutex);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 4; i++)
		waitgroup_go(&all, one, NULL);
	waitgroup_wait(&all);
	return count != 16;
}
