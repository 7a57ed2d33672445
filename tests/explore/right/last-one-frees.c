/*
 * A count of references: each drop releases what its owner did, and the last one acquires it before
 * it frees.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

enum { USERS = 3 };

struct object {
	_Atomic int references;
	int used[USERS];
};
static _Atomic int next, freed;

static void drop(struct object *o)
{
	if (atomic_fetch_sub_explicit(&o->references, 1, memory_order_release) == 1) {
		atomic_thread_fence(memory_order_acquire);
		for (int i = 0; i < USERS; i++)
			freed += o->used[i];
		free(o);
	}
}

static void user(void *arg)
{
	struct object *o = arg;

	o->used[next++] = 1;
	drop(o);
}

int main(void)
{
	struct object *o = calloc(1, sizeof *o);
	struct waitgroup all = {0};

	o->references = USERS;
	for (int i = 0; i < USERS; i++)
		waitgroup_go(&all, user, o);
	waitgroup_wait(&all);
	return freed != USERS;
}
