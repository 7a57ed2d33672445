/*
 * Two generators are compared up to where they differ; who returns early frees one of them only.
 * fault: leak
 * with: LEAKS=1
 */
#include <vole.h>

static void count(struct gen *g, void *step)
{
	for (long n = 0; n < 10 && !gen_yield(g, &n); n += (long)step)
		;
}

static bool same(struct gen *a, struct gen *b)
{
	long x, y;

	while (!gen_next(a, &x))
		if (gen_next(b, &y) || x != y) {
			gen_free(a);
			return false;
		}
	gen_free(a);
	gen_free(b);
	return true;
}

int main(void)
{
	return same(gen_make(count, (void *)1, sizeof(long)),
		    gen_make(count, (void *)2, sizeof(long)));
}
