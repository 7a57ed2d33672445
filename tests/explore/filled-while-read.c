/*
 * One coroutine clears a few bytes, another looks at one of them: GCC makes a few stores of the memset, which are
 * accesses nevertheless.
 * fault: race
 */
#include <string.h>

#include <vole.h>

static char text[16];
static volatile char seen;

static void clear(void *arg)
{
	(void)arg;
	memset(text, '-', 9);
}

static void look(void *arg)
{
	(void)arg;
	seen = text[8];
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, clear, NULL);
	waitgroup_go(&both, look, NULL);
	waitgroup_wait(&both);
	return 0;
}
