/*
 * Nearly all memory is in use, so that each block takes back what others have left: slabs of coroutines
 * that have ended, and pages of those that wait and were deep once. Meanwhile these go on, and somebody
 * looks at all coroutines, and finds nothing else.
 *
 * with: MEM=8M
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { PIECE = 60 * 1024, LEFT = 13 }; /* pieces: less than what makes memory short, 1 MB */
enum { ROUNDS = 5, MANY = 14, LOOKS = 30, MOST = 32, IDS = 10000 };
enum { DEEP = 2, DEPTH = 80 * 1024 };

static struct sema turns;
static _Atomic bool over;

static void take_memory(void)
{
	void *left[LEFT];

	for (int i = 0; i < LEFT; i++)
		left[i] = malloc(PIECE);
	for (size_t size = 1 << 20; size >= PIECE; size /= 2)
		while (malloc(size))
			;
	for (int i = 0; i < LEFT; i++)
		free(left[i]);
}

static void nothing(void *all)
{
	waitgroup_done(all);
}

/* Needs slabs, of coroutines and of blocks in turn. */
static void maker(void *all)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct waitgroup some = {0};
		void *blocks[MANY];

		for (int k = 0; k < MANY; k++) {
			waitgroup_add(&some, 1);
			if (go(nothing, &some))
				waitgroup_done(&some);
		}
		waitgroup_wait(&some);
		sema_release(&turns);
		for (int k = 0; k < MANY; k++)
			blocks[k] = malloc(400 + 100 * (size_t)(i & 3));
		for (int k = 0; k < MANY; k++)
			free(blocks[k]);
	}
	over = true;
	for (int i = 0; i < DEEP; i++)
		sema_release(&turns);
	waitgroup_done(all);
}

static __attribute__((noinline)) void dive(void)
{
	volatile char room[DEPTH];

	for (size_t i = 0; i < DEPTH; i += 4096)
		room[i] = 1;
}

static void deep(void *all)
{
	while (!over) {
		dive();
		sema_acquire(&turns);
	}
	waitgroup_done(all);
}

static int strange;

static void look(void *all)
{
	for (int i = 0; i < LOOKS && !over; i++) {
		struct runtime_co list[MOST];
		int n = runtime_list(list, MOST);

		for (int k = 0; k < n && k < MOST; k++)
			strange += list[k].id >= IDS || !list[k].name[0];
	}
	waitgroup_done(all);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_add(&all, 2 + DEEP);
	for (int i = 0; i < DEEP; i++)
		go(deep, &all);
	go_with(&(struct go_options){.core = 2}, look, &all);
	go_yield();
	take_memory();
	go_with(&(struct go_options){.core = 1}, maker, &all);
	waitgroup_wait(&all);
	return strange != 0;
}
