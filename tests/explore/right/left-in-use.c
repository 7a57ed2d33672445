/*
 * What is in use at the end is no leak: a cache that a variable leads to, what a coroutine has that
 * sleeps or is about to end, and what the stack of who calls exit leads to.
 */
#include <stdlib.h>
#include <vole.h>

struct entry {
	struct entry *next;
	int key;
};

static struct entry *cache;

static void put(int key)
{
	struct entry *entry = malloc(sizeof *entry);

	*entry = (struct entry){cache, key};
	cache = entry;
}

static void refresh(void *counter)
{
	struct chan *after = time_after(NSEC_PER_SEC);

	for (;; time_sleep(NSEC_PER_SEC))
		++*(int *)counter;
	chan_free(after);
}

static void say_so(void *wg)
{
	int *own = malloc(sizeof *own);

	*own = 1;
	waitgroup_done(wg);
	free(own);
}

int main(void)
{
	struct waitgroup wg = {0};
	struct {
		struct waitgroup *wg;
		void *volatile own;
	} held = {&wg, malloc(1000)};

	for (int i = 0; i < 3; i++)
		put(i);
	go(refresh, calloc(1, sizeof(int)));
	waitgroup_add(&wg, 2);
	go(say_so, &wg);
	go(say_so, held.wg);
	waitgroup_wait(&wg);
	exit(held.own == NULL);
}
