/* Many read together, one writes alone. */
#include <vole.h>

static struct rwmutex lock;
static int a, b;

static void reader(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		rwmutex_rlock(&lock);
		if (a != b)
			runtime_panic("half a change");
		rwmutex_runlock(&lock);
	}
}

static void writer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		rwmutex_lock(&lock);
		a++;
		b++;
		rwmutex_unlock(&lock);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, reader, NULL);
	waitgroup_go(&all, writer, NULL);
	waitgroup_go(&all, reader, NULL);
	waitgroup_wait(&all);
	return a != 2;
}
