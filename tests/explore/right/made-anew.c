/*
 * Coroutines are made in memory that was the program's and has been written to all over, while others look at all of them.
 *
 * with: MEM=8M
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { TOO_LARGE = (8 << 20) - 20000 }; /* nearly all of the machine's memory */
enum { ROUNDS = 4, MANY = 24, MOST = 40 };

static _Atomic bool over;
static void *volatile too_large;

static void nothing(void *unused)
{
	(void)unused;
}

static void maker(void *unused)
{
	struct go_options options = {.stack = 16 * 1024, .name = "new"};

	(void)unused;
	for (size_t size = TOO_LARGE / 8; size > 4096; size /= 2) {
		void *p = malloc(size);

		if (p)
			memset(p, 0x5a, size);
		free(p);
	}
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < MANY; k++)
			go_with(&options, nothing, NULL);
		while (runtime_count() > 3)
			go_yield();
		too_large = malloc(TOO_LARGE); /* takes back what the coroutines had */
		free(too_large);
	}
	over = true;
}

static void look(void *unused)
{
	(void)unused;
	while (!over) {
		struct runtime_co list[MOST];

		runtime_list(list, MOST);
		go_yield();
	}
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, look, NULL);
	waitgroup_go(&all, maker, NULL);
	waitgroup_wait(&all);
	return 0;
}
