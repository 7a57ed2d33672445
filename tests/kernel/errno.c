/* errno is an object of each coroutine's own: in one place for its whole life, wherever it runs. */
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

int main(int argc, char **argv)
{
	test_begin(argc, argv, 1);
	test_errno();
	return test_end();
}
