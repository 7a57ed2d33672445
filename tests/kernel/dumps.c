/*
 * Dumps while coroutines begin, wait and end on all cores. What a dump reads of them changes meanwhile: a
 * sanitizer tells whether it is read in a way that allows for that.
 */
#include "test.h"

enum { ROUNDS = 300, EACH = 4, DUMPS = 10 };

static struct waitgroup starters;
static _Atomic bool enough;

static void brief(void *arg)
{
	struct waitgroup *wg = arg;

	go_yield();
	time_sleep(10 * NSEC_PER_USEC);
	waitgroup_done(wg);
}

/* Those of one round have other names than those of the next, and their memory. */
static void starter(void *arg)
{
	struct waitgroup wg = {0};

	(void)arg;
	for (int round = 0; round < ROUNDS || !enough; round++) {
		struct go_options with = {.name = round % 2 ? "odd" : "even",
					  .stack = round % 3 ? 64 * 1024 : 0};

		waitgroup_add(&wg, EACH);
		for (int i = 0; i < EACH; i++)
			expect_eq(go_with(&with, brief, &wg), 0);
		waitgroup_wait(&wg);
	}
	waitgroup_done(&starters);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 1);
	waitgroup_add(&starters, runtime_cores());
	for (int core = 0; core < runtime_cores(); core++)
		expect_eq(go_with(&(struct go_options){.core = 1 + core}, starter, NULL), 0);
	for (int i = 0; i < DUMPS; i++) {
		runtime_dump();
		time_sleep(NSEC_PER_MSEC);
	}
	enough = true;
	waitgroup_wait(&starters);
	until_alone();
	verdict("dumps come through beside coroutines that begin and end");
	return test_end();
}
