/*
 * Memory that is free can be had: also what cores keep for later, and where a wild pointer has been.
 */
#include "test.h"

static struct waitgroup wg;

/* How many blocks of a page malloc gives; they are given back. */
static size_t pages_to_be_had(void)
{
	struct link {
		struct link *next;
	} *list = NULL, *p;
	size_t n = 0;

	while ((p = malloc(4096))) {
		p->next = list;
		list = p;
		n++;
	}
	while ((p = list)) {
		list = p->next;
		free(p);
	}
	return n;
}

/* The largest block, to a sixteenth. */
static size_t largest_to_be_had(size_t most)
{
	for (size_t size = most; size > most / 16; size -= most / 16) {
		void *p = malloc(size);

		if (p) {
			free(p);
			return size;
		}
	}
	return 0;
}

/* Leaves each core with some of every size. */
static void churn(void *arg)
{
	enum { N = 2000 };
	uint32_t random = (uint32_t)(uintptr_t)arg;
	void **p = calloc(N, sizeof *p);

	for (int i = 0; p && i < 20000; i++) {
		unsigned k = test_random(&random) % N;

		free(p[k]);
		p[k] = malloc(test_random(&random) % 2048);
	}
	for (int i = 0; p && i < N; i++)
		free(p[i]);
	free(p);
}

int main(int argc, char **argv)
{
	struct runtime_stats stats;
	size_t before, after, largest;

	test_begin(argc, argv, 2);
	before = pages_to_be_had();
	runtime_stats(&stats);
	largest = largest_to_be_had(stats.free_bytes);
	for (int i = 1; i <= 4 * test_smp; i++)
		expect_eq(waitgroup_go(&wg, churn, (void *)(uintptr_t)i), 0);
	waitgroup_wait(&wg);
	after = pages_to_be_had();
	printf("# pages: %zu, then %zu\n", before, after);
	expect(after + 300 >= before);
	verdict("what was freed can be had, whatever size it had");

	after = largest_to_be_had(stats.free_bytes);
	printf("# largest block: %zu MB, then %zu MB\n", largest >> 20, after >> 20);
	expect(after >= largest - largest / 4);
	verdict("and in one piece");
	return test_end();
}
