/*
 * A reader calls what reads, too. A writer that comes in between stops new readers: this one waits
 * for the writer, who waits for it.
 * fault: deadlock
 */
#include <vole.h>

static struct rwmutex lock;
static int value;

static int get(void)
{
	int v;

	rwmutex_rlock(&lock);
	v = value;
	rwmutex_runlock(&lock);
	return v;
}

static void reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		rwmutex_rlock(&lock);
		if (value != get())
			runtime_panic("it has changed meanwhile");
		rwmutex_runlock(&lock);
	}
}

static void writer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		rwmutex_lock(&lock);
		value++;
		rwmutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, reader, NULL);
	waitgroup_go(&both, writer, NULL);
	waitgroup_wait(&both);
	return 0;
}
