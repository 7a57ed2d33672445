/* Where the request is wrong, who has asked returns before it takes the answer. */
// leaks: 1 "look_up" waiting for chan send
#include <vole.h>

static void look_up(void *c)
{
	long found = 1;

	chan_send((struct chan *)c, &found);
}

static long request(bool wrong)
{
	struct chan *c = chan_of(long, 0);
	long found;

	go(look_up, c);
	if (wrong)
		return -1;
	chan_recv(c, &found);
	chan_free(c);
	return found;
}

int main(void)
{
	request(false);
	request(true);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
