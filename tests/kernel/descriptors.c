/*
 * A descriptor's number that comes again, on another core, with nothing in between that orders the two: what a
 * sanitizer knows of the first has to end with it.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 50 };

static _Atomic int used = -1, ended = -1; /* the last rounds of each */
static struct waitgroup wg;

static _Atomic int number;

static bool of_round(_Atomic int *last, int round)
{
	return atomic_load_explicit(last, memory_order_relaxed) >= round;
}

static void uses(void *arg)
{
	(void)arg;
	for (int round = 0; round < ROUNDS; round++) {
		struct stat st;
		int fd;

		while (!of_round(&ended, round - 1))
			;
		fd = round % 2 ? dup(1) : open("/dev/null", O_RDONLY);
		expect(fd >= 0);
		expect_eq(fstat(fd, &st), 0);
		expect_eq(close(fd), 0);
		atomic_store_explicit(&number, fd, memory_order_relaxed);
		atomic_store_explicit(&used, round, memory_order_relaxed);
	}
	waitgroup_done(&wg);
}

static void uses_next(void *arg)
{
	int again = 0;

	(void)arg;
	for (int round = 0; round < ROUNDS; round++) {
		DIR *dir;

		while (!of_round(&used, round))
			;
		dir = opendir("/");
		expect(dir);
		again += dirfd(dir) == atomic_load_explicit(&number, memory_order_relaxed);
		expect_eq(closedir(dir), 0);
		atomic_store_explicit(&ended, round, memory_order_relaxed);
	}
	expect_eq(again, ROUNDS);
	waitgroup_done(&wg);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 1);
	waitgroup_add(&wg, 2);
	expect_eq(go_with(&(struct go_options){.core = 1}, uses, NULL), 0);
	expect_eq(go_with(&(struct go_options){.core = runtime_cores()}, uses_next, NULL), 0);
	waitgroup_wait(&wg);
	errno = 0;
	expect_eq(close(atomic_load(&number)), -1);
	expect_eq(errno, EBADF);
	verdict("a descriptor's number is another's after its end");
	return test_end();
}
