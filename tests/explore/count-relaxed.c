/*
 * A count of references that is lowered with relaxed order: who finds itself to be the last frees
 * what the other's accesses are not over for.
 * fault: memory or race
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

struct object {
	_Atomic int references;
	int used[2];
};

static void drop(struct object *o)
{
	if (atomic_fetch_sub_explicit(&o->references, 1, memory_order_relaxed) == 1)
		free(o);
}

static void user(void *arg)
{
	struct object *o = arg;

	o->used[0] = 1;
	drop(o);
}

int main(void)
{
	struct object *o = calloc(1, sizeof *o);

	o->references = 2;
	go(user, o);
	o->used[1] = 1;
	drop(o);
	time_sleep(NSEC_PER_SEC);
	return 0;
}
