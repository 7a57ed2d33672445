/*
 * Memory is short all the time, so what nobody needs is taken back: slabs, and the pages of deep stacks whose
 * coroutines wait; while coroutines come and go, and somebody looks at them all.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { PIECE = 1 << 20, ROUNDS = 5, DEEP = 12 * 1024, MOST = 16 };

static _Atomic bool over;

static void small(void *arg)
{
	(void)arg;
}

static __attribute__((noinline)) int use_stack(void)
{
	volatile char much[DEEP];

	memset((char *)much, 1, sizeof much);
	return much[DEEP / 2];
}

static void deep(void *arg)
{
	struct chan *c = arg;
	int i;

	while (chan_recv(c, &i) == 0)
		if (use_stack() != 1)
			exit(1);
}

static void looker(void *arg)
{
	struct runtime_co list[MOST];

	(void)arg;
	while (!over) {
		(void)runtime_list(list, MOST);
		go_yield();
	}
}

static void taker(void *arg)
{
	(void)arg;
	while (!over) {
		free(malloc(PIECE));
		go_yield();
	}
}

int main(void)
{
	struct waitgroup all = {0}, some;
	struct chan *c = chan_make(sizeof(int), 0);

	waitgroup_go(&all, deep, c);
	waitgroup_go(&all, deep, c);
	waitgroup_go(&all, looker, NULL);
	while (malloc(PIECE)) /* never given back */
		;
	waitgroup_go(&all, taker, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		some = (struct waitgroup){0};
		for (int k = 0; k < 12; k++)
			(void)waitgroup_go(&some, small, NULL);
		(void)chan_send(c, &i);
		waitgroup_wait(&some);
		free(malloc(PIECE));
	}
	over = true;
	chan_close(c);
	waitgroup_wait(&all);
	return 0;
}
