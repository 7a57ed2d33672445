/* Words that look as if they led to coroutines that have leaked: what closed streams had, and sizes and times. */
#include "line.h"

static struct waitgroup all;

#ifdef __SANITIZE_THREAD__
enum { LINES = 11, IN_LINE = 200 }; /* it maps memory for each, and Linux has a limit of maps */
#else
enum { LINES = 11, IN_LINE = 2000 };
#endif

static uintptr_t hidden[LINES]; /* where the lines begin, but no pointers */

/* A stream's buffers are free when it is closed, and so their memory may be the line's. */
static void writes_and_leaves(void *number)
{
	int n = (int)(intptr_t)number;
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	go_pin(0);
	file = open_memstream(&text, &size);
	for (int i = 0; i < 10 << n; i++)
		fputc('x', file);
	fclose(file);
	free(text);
	hidden[n] = ~(uintptr_t)line(amount(IN_LINE));
}

static void lookalikes(void)
{
	size_t others = parked(), want, leaked;

	for (int i = 0; i < LINES; i++) {
		waitgroup_go(&all, writes_and_leaves, (void *)(intptr_t)i);
		waitgroup_wait(&all);
		want = (size_t)(i + 1) * (size_t)amount(IN_LINE);
		until_parked(others + want);
		/* By chance, and what memory had before, a word may lead into one line. */
		leaked = runtime_leaks(NULL);
		expect(leaked + (size_t)amount(IN_LINE) >= want && leaked <= want);
	}
	for (int i = 0; i < LINES; i++)
		chan_close((struct chan *)~hidden[i]);
	until_parked(others);
	verdict("closed streams, and the machine's sizes and times, lead to nobody");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 1);
	lookalikes();
	return test_end();
}
