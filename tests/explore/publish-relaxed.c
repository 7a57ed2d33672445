/*
 * A new object is shown to others by a relaxed store of its address: its contents need not be there
 * yet.
 * fault: race
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

struct settings {
	int width, height;
};
static _Atomic(struct settings *) current;

static void publisher(void *arg)
{
	struct settings *new = malloc(sizeof *new);

	(void)arg;
	new->width = 80;
	new->height = 25;
	atomic_store_explicit(&current, new, memory_order_relaxed);
}

static void user(void *arg)
{
	struct settings *s = atomic_load_explicit(&current, memory_order_acquire);

	(void)arg;
	if (s && s->width * s->height != 2000)
		runtime_panic("settings that nobody has made");
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, publisher, NULL);
	waitgroup_go(&both, user, NULL);
	waitgroup_wait(&both);
	return 0;
}
