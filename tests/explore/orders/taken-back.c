/*
 * A block that is too large for what is free takes back the slabs of coroutines that have ended, and
 * blocks of other sizes are made of them, while somebody looks at all coroutines.
 *
 * with: MEM=8M
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

enum { TOO_LARGE = (8 << 20) - 20000 }; /* nearly all of the machine's memory */
enum { ROUNDS = 4, MANY = 60, BLOCKS = 14, MOST = 80, IDS = 10000 };

static _Atomic bool over;
static void *volatile too_large;

static void nothing(void *all)
{
	waitgroup_done(all);
}

static void maker(void *all)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct waitgroup some = {0};
		void *blocks[BLOCKS];

		for (int k = 0; k < MANY; k++) {
			waitgroup_add(&some, 1);
			if (go(nothing, &some))
				waitgroup_done(&some);
		}
		waitgroup_wait(&some);
		too_large = malloc(TOO_LARGE);
		free(too_large);
		for (int k = 0; k < BLOCKS; k++)
			blocks[k] = malloc(400 + 100 * (size_t)(i & 7));
		for (int k = 0; k < BLOCKS; k++)
			free(blocks[k]);
	}
	over = true;
	waitgroup_done(all);
}

static int strange;

static void look(void *all)
{
	while (!over) {
		struct runtime_co list[MOST];
		int n = runtime_list(list, MOST);

		for (int k = 0; k < n && k < MOST; k++)
			strange += list[k].id >= IDS || !list[k].name[0];
		go_yield();
	}
	waitgroup_done(all);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_add(&all, 2);
	go_with(&(struct go_options){.core = 2}, look, &all);
	go_with(&(struct go_options){.core = 1}, maker, &all);
	waitgroup_wait(&all);
	return strange != 0;
}
