/* A timer that could not be stopped any more is waited for, before its object goes. */
#include <stdlib.h>
#include <vole.h>

struct session {
	struct timer timer;
	struct sema over;
	int timeouts;
};

static void time_out(void *arg)
{
	struct session *session = arg;

	session->timeouts++;
	sema_release(&session->over);
}

int main(void)
{
	struct session *session = calloc(1, sizeof *session);
	int timeouts = 0;

	timer_start(&session->timer, time_now() + 5 * NSEC_PER_USEC, 0, time_out, session);
	go_yield();
	if (!timer_stop(&session->timer)) {
		sema_acquire(&session->over);
		timeouts = session->timeouts;
	}
	free(session);
	return timeouts > 1;
}
