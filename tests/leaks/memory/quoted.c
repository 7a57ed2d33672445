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
	// clang-format off
#line 1 "with \"quotes\", \\ and é.c"
	go(waits, NULL);
	// clang-format on
	go_yield();
	time_sleep(NSEC_PER_MSEC);
	return 0;
}
