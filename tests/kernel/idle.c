/* Sleeps for some seconds, in which tests/qemu measures what the idle machine costs its host. */
#include "test.h"

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5;

	time_sleep(200 * NSEC_PER_MSEC);
	printf("sleeping\n");
	fflush(stdout);
	time_sleep((uint64_t)seconds * NSEC_PER_SEC);
	printf("awake\n");
	return 0;
}
