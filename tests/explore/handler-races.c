/*
 * A handler of an interrupt counts, and a coroutine takes what was counted: an interrupt between its
 * load and its store is forgotten.
 * fault: race
 */
#include <vole.h>
#include <vole/irq.h>

enum { LINE = 9, ENOUGH = 3 };

static int came;
static struct event wake;

static void handler(void *unused)
{
	(void)unused;
	came++;
	event_post(&wake);
}

int main(void)
{
	int sum = 0;

	if (irq_attach(LINE, handler, NULL))
		return 2;
	while (sum < ENOUGH) {
		event_wait(&wake);
		sum += came;
		came = 0;
	}
	return irq_detach(LINE);
}
