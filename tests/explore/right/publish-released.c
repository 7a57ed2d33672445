/*
 * A new object is complete before its address is released; who acquires the address owns the old
 * one.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

struct settings {
	int width, height;
};
static _Atomic(struct settings *) current;

static struct settings *make(int width)
{
	struct settings *new = malloc(sizeof *new);

	new->width = width;
	new->height = 2000 / width;
	return new;
}

static void publisher(void *arg)
{
	(void)arg;
	free(atomic_exchange_explicit(&current, make(40), memory_order_acq_rel));
}

static void taker(void *arg)
{
	struct settings *s = atomic_exchange_explicit(&current, NULL, memory_order_acquire);

	(void)arg;
	if (s && s->width * s->height != 2000)
		runtime_panic("settings that nobody has made");
	free(s);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, publisher, NULL);
	waitgroup_go(&all, taker, NULL);
	waitgroup_go(&all, publisher, NULL);
	waitgroup_wait(&all);
	free(current);
	return 0;
}
