/* Two cores defer one function, again and again: it is queued at one of them at a time. */
#include <stdatomic.h>
#include <vole.h>
#include <vole/irq.h>

enum { TIMES = 8 };

static struct irq_work work;
static _Atomic int done;

static void later(void *unused)
{
	(void)unused;
	atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
}

static void one(void *core)
{
	go_pin((int)(intptr_t)core);
	for (int i = 0; i < TIMES; i++) {
		irq_defer(&work, later, NULL); /* as a handler would */
		go_yield();
	}
}

int main(void)
{
	struct waitgroup all = {0};

	for (intptr_t core = 0; core < 2; core++)
		waitgroup_go(&all, one, (void *)core);
	waitgroup_wait(&all);
	return 0;
}
