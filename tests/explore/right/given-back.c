/* What was freed is no leak while the simulated machine keeps it, so that a use of it is noticed. */
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

static void ends(void *unused)
{
	(void)unused;
}

static void uses(void)
{
	struct chan *c = chan_of(int, 5);
	struct pool *pool = pool_make(2, 5);

	for (int i = 0; i < 5; i++)
		pool_submit(pool, ends, NULL);
	pool_free(pool);
	chan_free(c);
	free(malloc(100));
}

int main(void)
{
	char *text = NULL;
	size_t size = 0, leaked;
	FILE *file;

	uses();
	file = open_memstream(&text, &size);
	leaked = runtime_leaks(file);
	fclose(file);
	fputs(text, stdout);
	free(text);
	return leaked || size;
}
