/* An error is sent to a channel without room before it is returned to who would receive. */
// leaks: 1 "container" waiting for chan send
#include "goker.h"

static struct chan *container_wait(void)
{
	struct chan *errors = signals(0);

	give(errors);
	return errors;
}

static void container(void *unused)
{
	(void)unused;
	take(container_wait());
}

int main(void)
{
	go(container, NULL);
	return settled();
}
