/* Five are asked, and the first answer is taken. */
// leaks: 4 "source" waiting for chan send
#include <vole.h>

static void source(void *c)
{
	uint64_t now = time_now();

	chan_send((struct chan *)c, &now);
}

static uint64_t first(void)
{
	struct chan *c = chan_of(uint64_t, 0);
	uint64_t now;

	for (int i = 0; i < 5; i++)
		go(source, c);
	chan_recv(c, &now);
	return now;
}

int main(void)
{
	first();
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
