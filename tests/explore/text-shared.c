/*
 * Two coroutines make a text in the same buffer: only the C library writes it.
 * fault: race
 */
#include <stdio.h>
#include <vole.h>

static char line[32];

static void make(void *arg)
{
	snprintf(line, sizeof line, "number %d", *(int *)arg);
}

int main(void)
{
	struct waitgroup wg = {0};
	int numbers[] = {1, 2};

	waitgroup_go(&wg, make, &numbers[0]);
	waitgroup_go(&wg, make, &numbers[1]);
	waitgroup_wait(&wg);
	return line[0] == 'n' ? 0 : 1;
}
