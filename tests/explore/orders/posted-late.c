/* An event is posted about when its waiter gives up. */
#include <vole.h>

static int value;

static void poster(void *arg)
{
	time_sleep(100);
	value = 1;
	event_post(arg);
}

/* Apart, so that nobody looks at it before it is said that it has been posted. */
static __attribute__((noinline)) bool missing(void)
{
	return value == 0;
}

int main(void)
{
	for (int i = 0; i < 6; i++) {
		struct event event = {0};
		struct waitgroup all = {0};

		value = 0;
		waitgroup_go(&all, poster, &event);
		if (event_wait_until(&event, time_now() + 100 + 400 * (uint64_t)i) == 0 &&
		    missing())
			return 1;
		waitgroup_wait(&all);
	}
	return 0;
}
