/*
 * What is written under a lock is read without it, when a relaxed flag says that it is there.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

static struct mutex lock;
static _Atomic bool there;
static int value;

static void writer(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	value = 42;
	atomic_store_explicit(&there, true, memory_order_relaxed);
	mutex_unlock(&lock);
}

static void reader(void *arg)
{
	(void)arg;
	if (atomic_load_explicit(&there, memory_order_relaxed) && value != 42)
		runtime_panic("it is not there");
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, writer, NULL);
	waitgroup_go(&both, reader, NULL);
	waitgroup_wait(&both);
	return 0;
}
