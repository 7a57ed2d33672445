/* The first user makes the table by once_do, and all see it. */
#include <stdlib.h>
#include <vole.h>

static struct once once;
static int *table;
static _Atomic int sum;

static void make(void *arg)
{
	(void)arg;
	table = malloc(4 * sizeof *table);
	for (int i = 0; i < 4; i++)
		table[i] = i;
}

static void user(void *arg)
{
	(void)arg;
	once_do(&once, make, NULL);
	sum += table[3];
}

int main(void)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 3; i++)
		waitgroup_go(&all, user, NULL);
	waitgroup_wait(&all);
	free(table);
	return sum != 9;
}
