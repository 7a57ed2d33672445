/* Pointers that the C library alone has: the buffer of a stream, and keys of a tree. One of the keys has the
 * channel that a coroutine waits for. */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

enum { SIZE = 2000 };

struct key {
	int number;
	struct chan *c;
};

static void *volatile tree;
static FILE *volatile stream;

static int compare(const void *a, const void *b)
{
	return ((const struct key *)a)->number - ((const struct key *)b)->number;
}

static void waits(void *c)
{
	chan_recv((struct chan *)c, (int *)NULL);
}

static void keep(void)
{
	static char text[100];
	void *root = NULL;

	stream = fmemopen(text, sizeof text, "w");
	setvbuf(stream, malloc(SIZE), _IOFBF, SIZE);
	setvbuf(stderr, malloc(SIZE), _IOFBF, SIZE);
	for (int i = 0; i < 10; i++) {
		struct key *key = calloc(1, sizeof *key);

		*key = (struct key){.number = i, .c = chan_of(int, 0)};
		go(waits, key->c);
		tsearch(key, &root, compare);
	}
	tree = root;
}

int main(void)
{
	keep();
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
