/* Posts of an event that nobody waits for are one: so the work itself is counted, by an atomic. */
#include <stdatomic.h>
#include <vole.h>

enum { WORKERS = 2, EACH = 2 };

static struct event more;
static _Atomic int work;

static void worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < EACH; i++) {
		atomic_fetch_add_explicit(&work, 1, memory_order_relaxed);
		event_post(&more);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	for (int i = 0; i < WORKERS; i++)
		waitgroup_go(&both, worker, NULL);
	while (atomic_load_explicit(&work, memory_order_relaxed) < WORKERS * EACH)
		event_wait(&more);
	waitgroup_wait(&both);
	return 0;
}
