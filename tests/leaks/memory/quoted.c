/* A file name with what the assembler and the C language take for something else. */
#include <vole.h>

static void waits(void *unused)
{
	struct sema sema = {0};

	(void)unused;
	sema_acquire(&sema);
}

int main(void)
{
	struct runtime_stats stats;

	// clang-format off
#line 1 "with \"quotes\", \\ and é.c"
	go(waits, NULL);
	// clang-format on
	do {
		go_yield();
		runtime_stats(&stats);
	} while (!stats.parked);
	return 0;
}
