/*
 * A handler of an interrupt counts, a function of irq_defer counts behind it, and a coroutine takes
 * both, each in one step.
 */
#include <stdatomic.h>
#include <vole.h>
#include <vole/irq.h>

enum { LINE = 9, ENOUGH = 3 };

static _Atomic int came, deferred;
static struct irq_work work;
static struct event wake;

static void later(void *unused)
{
	(void)unused;
	atomic_fetch_add(&deferred, 1);
	event_post(&wake);
}

static void handler(void *unused)
{
	(void)unused;
	atomic_fetch_add(&came, 1);
	irq_defer(&work, later, NULL);
}

int main(void)
{
	int sum = 0, sum_deferred = 0;

	if (irq_attach(LINE, handler, NULL))
		return 2;
	while (sum < ENOUGH || !sum_deferred) {
		event_wait(&wake);
		sum += atomic_exchange(&came, 0);
		sum_deferred += atomic_exchange(&deferred, 0);
	}
	return irq_detach(LINE);
}
