/*
 * A timer is stopped, and its object freed, without a look whether the timer's function had begun
 * by then.
 * fault: memory or race
 */
#include <stdlib.h>
#include <vole.h>

struct session {
	struct timer timer;
	_Atomic int timeouts;
};

static void time_out(void *arg)
{
	struct session *session = arg;

	session->timeouts++;
}

static void serve(void *arg)
{
	struct session *session = calloc(1, sizeof *session);

	(void)arg;
	timer_start(&session->timer, time_now() + 20 * NSEC_PER_USEC, 0, time_out, session);
	time_sleep(20 * NSEC_PER_USEC);
	timer_stop(&session->timer);
	free(session);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, serve, NULL);
	waitgroup_go(&both, serve, NULL);
	waitgroup_wait(&both);
	time_sleep(NSEC_PER_SEC);
	return 0;
}
