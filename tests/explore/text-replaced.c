/*
 * One coroutine prints a name into a buffer of its own, while another replaces that name: only the C library
 * reads it.
 * fault: race
 */
#include <stdio.h>
#include <string.h>
#include <vole.h>

static char name[16] = "first";

static void rename_it(void *arg)
{
	(void)arg;
	strcpy(name, "second");
}

int main(void)
{
	struct waitgroup wg = {0};
	char line[32];

	waitgroup_go(&wg, rename_it, NULL);
	snprintf(line, sizeof line, "hello, %s", name);
	waitgroup_wait(&wg);
	return line[0] == 'h' ? 0 : 1;
}
