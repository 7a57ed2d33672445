/* A program of C, C++ and assembly, in a folder and its subfolder; app.mk beside it has settings. */
#include "../test.h"
#include "parts.h"

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	check(settings == 11, "app.mk is read: CFLAGS %d", settings);
	check(from_assembly == 4711, "assembly in a subfolder is linked");
	check(constructed() == 1, "a static object is constructed before main");
	expect_eq(sum_by_channel(20), 20 * 19 / 2);
	verdict("channels know the sizes of C++'s values");
	expect_eq(made_by_many(32), 2);
	verdict("many coroutines make a static variable once, and none sees it half made");
	expect_eq(templates(1000), 1000 * 999 / 2);
	verdict("new, delete, virtual functions and the library's templates");
	expect_eq(atomics_wait(), 2);
	verdict("C++20: coroutines wait for atomics");
	expect_eq(ended_objects(20), 40);
	verdict("thread_local objects end with their coroutine, the last one first");
	return test_end();
}
