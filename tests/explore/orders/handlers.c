/* A handler is attached by one coroutine and detached by another, while its interrupt comes. */
#include <stdatomic.h>
#include <vole.h>
#include <vole/irq.h>

enum { LINE = 9, TRIES = 12 };

static _Atomic int came;

static void handler(void *unused)
{
	(void)unused;
	atomic_fetch_add_explicit(&came, 1, memory_order_relaxed);
}

static void attacher(void *unused)
{
	(void)unused;
	for (int i = 0; i < TRIES; i++) {
		(void)irq_attach(LINE, handler, NULL);
		go_yield();
	}
}

static void detacher(void *unused)
{
	(void)unused;
	for (int i = 0; i < TRIES; i++) {
		(void)irq_detach(LINE);
		go_yield();
	}
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, attacher, NULL);
	waitgroup_go(&all, detacher, NULL);
	waitgroup_wait(&all);
	(void)irq_detach(LINE);
	return 0;
}
