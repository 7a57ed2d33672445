/* Several write more than the console's ring holds; all of it goes out, also when nobody writes any more. */
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <vole.h>

enum { WRITERS = 3, TIMES = 4, PIECE = 500 };

static void writer(void *arg)
{
	char piece[PIECE];

	memset(piece, 'a' + (int)(intptr_t)arg, sizeof piece);
	for (int i = 0; i < TIMES; i++)
		(void)!write(STDOUT_FILENO, piece, sizeof piece);
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < WRITERS; i++)
		waitgroup_go(&all, writer, (void *)(intptr_t)i);
	waitgroup_wait(&all);
	return tcdrain(STDOUT_FILENO) != 0;
}
