/* errno is an object of each coroutine's own: in one place for its whole life, wherever it runs. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static int fails_with_stdio(void)
{
	char text[40];

	snprintf(text, sizeof text, "%g", 0.1);
	return EDOM;
}

static void keep_place(void *arg)
{
	int *place = &errno;
	char text[20];

	(void)arg;
	errno = fails_with_stdio();
	expect_eq(errno, EDOM);
	expect(place == &errno);
	*place = 0;
	expect(strtol("99999999999999999999999", NULL, 10) > 0);
	expect_eq(*place, ERANGE);
	*place = EXDEV;
	go_yield();
	snprintf(text, sizeof text, "%d", 1);
	expect(place == &errno);
	expect_eq(errno, EXDEV);
}

static void test_errno(void)
{
	go(keep_place, NULL);
	until_alone();
	keep_place(NULL);
	verdict("errno stays where it is, whatever uses stdio first");
}

/* Calls that fail, and what they leave. */
static int number_too_large(void)
{
	return strtoul("123456789012345678901234567890", NULL, 0) == ULONG_MAX ? ERANGE : 0;
}

static int no_such_file(void)
{
	return open("/there/is/none", O_RDONLY) == -1 ? ENOENT : 0;
}

static int no_such_status(void)
{
	struct stat st;

	return stat("/there/is/none", &st) == -1 ? ENOENT : 0;
}

static int no_such_stream(void)
{
	return fopen("/there/is/none", "r") == NULL ? ENOENT : 0;
}

static int no_descriptor(void)
{
	return lseek(-1, 0, SEEK_SET) == -1 ? EBADF : 0;
}

static int not_open(void)
{
	return close(12345) == -1 ? EBADF : 0;
}

static int no_write(void)
{
	return write(12345, "x", 1) == -1 ? EBADF : 0;
}

static int no_memory(void)
{
	volatile size_t size = SIZE_MAX / 4;
	void *volatile block = malloc(size);

	return block == NULL ? ENOMEM : 0;
}

static int (*const failures[])(void) = {
	number_too_large, no_such_file, no_such_status, no_such_stream,
	no_descriptor,    not_open,     no_write,       no_memory,
};
enum { FAILURES = sizeof failures / sizeof failures[0] };

static struct waitgroup all;
static _Atomic unsigned moves;

static void move_about(void *arg)
{
	int mine = (int)(intptr_t)arg, core = runtime_core();
	int *place = &errno;

	for (int i = 0; i < amount(40); i++) {
		int wanted = failures[(mine + i) % FAILURES]();

		expect_eq(*place, wanted);
		*place = 1000 + mine;
		if (i % 2)
			go_yield();
		else
			spin_ns(30 * NSEC_PER_USEC);
		expect_eq(*place, 1000 + mine);
		expect(place == &errno);
		expect_eq(errno, 1000 + mine);
		moves += core != runtime_core();
		core = runtime_core();
	}
	waitgroup_done(&all);
}

static void test_moves(void)
{
	uint64_t old = runtime_set_quantum(20 * NSEC_PER_USEC);

	waitgroup_add(&all, 20);
	for (intptr_t i = 0; i < 20; i++)
		expect_eq(go(move_about, (void *)i), 0);
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	printf("# %u times on another core\n", moves);
	verdict("a pointer to errno sees what calls leave there, on whatever core");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 2);
	test_errno();
	test_moves();
	return test_end();
}
