/*
 * A handler is attached and detached, again and again, while its interrupt comes on another core: what it
 * works with is freed when irq_detach has returned.
 */
#include <stdlib.h>
#include <vole.h>
#include <vole/irq.h>

enum { LINE = 9, TIMES = 30 };

static void handler(void *arg)
{
	(*(int *)arg)++;
}

static void device(void *all)
{
	for (int i = 0; i < TIMES; i++) {
		int *count = calloc(1, sizeof *count);

		if (count && irq_attach(LINE, handler, count) == 0) {
			go_yield();
			irq_detach(LINE);
		}
		free(count);
	}
	waitgroup_done(all);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_add(&all, 1);
	go_with(&(struct go_options){.core = 2}, device, &all);
	waitgroup_wait(&all);
	return 0;
}
