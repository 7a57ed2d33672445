/*
 * Looks whether there is room for one more, then takes the next place: two may look before the last
 * place is taken, and one writes beyond the block.
 * fault: memory
 */
#include <stdlib.h>
#include <vole.h>

enum { PLACES = 4 };

static _Atomic int used;
static long *places;

static void guest(void *arg)
{
	(void)arg;
	for (int i = 0; i < PLACES - 1; i++)
		if (used < PLACES)
			places[used++] = i;
}

int main(void)
{
	struct waitgroup both = {0};

	places = malloc(PLACES * sizeof *places);
	waitgroup_go(&both, guest, NULL);
	waitgroup_go(&both, guest, NULL);
	waitgroup_wait(&both);
	free(places);
	return 0;
}
