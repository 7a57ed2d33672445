/* Coroutines with names come and go, and wait for what others hold, while somebody looks at them all. */
#include <vole.h>

enum { TIMES = 6, MOST = 16 };

static struct mutex mutex;
static struct rwmutex lock;

static void named(void *arg)
{
	struct mutex own = {0};

	(void)arg;
	mutex_lock(&own);
	mutex_lock(&mutex);
	go_yield();
	mutex_unlock(&mutex);
	mutex_unlock(&own);
	rwmutex_lock(&lock);
	rwmutex_unlock(&lock);
}

static void looker(void *arg)
{
	struct runtime_co list[MOST];

	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		(void)runtime_list(list, MOST);
		go_yield();
	}
}

int main(void)
{
	struct go_options options = {.name = "one of those that come and go"};
	struct waitgroup all = {0};

	waitgroup_go(&all, looker, NULL);
	for (int i = 0; i < TIMES; i++) {
		struct waitgroup some = {0};

		for (int k = 0; k < 3; k++)
			if (go_with(&options, named, NULL) != 0)
				return 1;
		waitgroup_go(&some, named, NULL);
		waitgroup_wait(&some);
	}
	waitgroup_wait(&all);
	return 0;
}
