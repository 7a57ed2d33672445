#include "count.h"

static void hand_out(struct gen *g, void *arg)
{
	(void)arg;
	while (gen_yield(g, NULL) == 0)
		;
}

/* A generator and its caller switch straight to each other: half a round each. */
uint64_t count_switch(int n)
{
	struct gen *g = gen_make(hand_out, NULL, 0);
	uint64_t start;

	gen_next(g, NULL);
	start = time_now();
	for (int i = 0; i < n / 2; i++)
		gen_next(g, NULL);
	start = time_now() - start;
	gen_free(g);
	return start;
}

static void yield(void *times)
{
	for (int i = *(int *)times; i; i--)
		go_yield();
}

/* Two coroutines take turns. */
uint64_t count_yield(int n)
{
	struct waitgroup wg = {0};
	int half = n / 2;
	uint64_t start;

	waitgroup_go(&wg, yield, &half);
	start = time_now();
	yield(&half);
	start = time_now() - start;
	waitgroup_wait(&wg);
	return start;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Started, run, ended and waited for, one after the other. */
uint64_t count_spawn(int n)
{
	uint64_t start = time_now();

	for (int i = 0; i < n; i++) {
		struct waitgroup wg = {0};

		waitgroup_go(&wg, nothing, NULL);
		waitgroup_wait(&wg);
	}
	return time_now() - start;
}
