/* scarce.c PAGES: a stack grows by so many pages while no memory is left; then a coroutine ends whose stack has
 * many, and the stack grows by one page more. */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

struct block {
	struct block *next;
};

static struct waitgroup gate, ended;

static __attribute__((noinline)) void touch(int pages)
{
	volatile char page[4096 - 128];

	page[0] = 1;
	if (pages > 1)
		touch(pages - 1);
	page[0]++;
}

/* It has no bound: what it calls is not known. */
static void (*volatile deep)(int pages) = touch;

static void has_many(void *arg)
{
	(void)arg;
	deep(40);
	waitgroup_wait(&gate);
}

static void take_all(struct block **list, size_t size)
{
	struct block *block;

	while ((block = malloc(size))) {
		block->next = *list;
		*list = block;
	}
}

int main(int argc, char **argv)
{
	int pages = argc > 1 ? atoi(argv[1]) : 1;
	struct block *list = NULL, *block;

	waitgroup_add(&gate, 1);
	waitgroup_go(&ended, has_many, NULL);
	puts("begins");
	go_yield();
	take_all(&list, 4096 - 64);
	take_all(&list, sizeof(*list));
	deep(pages);
	puts("grown");
	waitgroup_done(&gate);
	waitgroup_wait(&ended);
	deep(pages + 1);
	while ((block = list)) {
		list = block->next;
		free(block);
	}
	puts("grown again");
	return 0;
}
