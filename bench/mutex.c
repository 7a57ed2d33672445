/* mutex.c: locked and unlocked by one coroutine; ns for both. */
#include "bench.h"

enum { LOCKS = 10000000 };

static struct mutex mutex;
static long count;

static void run(long n)
{
	for (long i = 0; i < n; i++) {
		mutex_lock(&mutex);
		count++;
		mutex_unlock(&mutex);
	}
}

int main(void)
{
	run(LOCKS / 10);

	uint64_t start = time_now();

	run(LOCKS);
	start = time_now() - start;
	must(count == LOCKS + LOCKS / 10, "the count");
	report((double)start / LOCKS, "ns", "mutex");
	return 0;
}
