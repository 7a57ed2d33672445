/* A program with names that are the kernel's, too, which it cannot know. */
#include "../test.h"
#include "other.h"

int cores = 3, smp = 4;

void panic(const char *what)
{
	expect(!strcmp(what, "mine"));
}

static void worker(void *arg)
{
	*(int *)arg = page_alloc(*(int *)arg);
}

int main(int argc, char **argv)
{
	struct waitgroup wg = {0};
	int n = 5;

	test_begin(argc, argv, 1);
	panic("mine");
	waitgroup_go(&wg, worker, &n);
	waitgroup_wait(&wg);
	expect_eq(n, 5 + cores);
	expect_eq(kill(1), 1 + smp);
	expect_eq(accept(1), 1 - smp);
	expect(runtime_cores() == test_smp);
	verdict("the program's are its own");
	return test_end();
}
