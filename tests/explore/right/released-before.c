/* A semaphore remembers that it was released, and orders what was written before. */
#include <vole.h>

static struct sema started;
static int value;

static void starter(void *arg)
{
	(void)arg;
	value = 42;
	sema_release(&started);
}

int main(void)
{
	go(starter, NULL);
	sema_acquire(&started);
	return value != 42;
}
