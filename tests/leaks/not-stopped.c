/* A server is started with an object, and not stopped when the object is let go. */
// leaks: 1 "serve_object" waiting for select
#include <stdlib.h>
#include <vole.h>

struct server {
	struct chan *requests, *stop;
};

static void serve_object(void *arg)
{
	struct server *s = arg;
	int request;

	for (;;) {
		struct select_case cases[] = {{s->requests, SELECT_RECV, &request, 0},
					      {s->stop, SELECT_RECV, NULL, 0}};

		if (chan_select(cases, 2) == 1)
			break;
	}
	chan_free(s->requests);
	chan_free(s->stop);
	free(s);
}

static void use(bool stop)
{
	struct server *s = malloc(sizeof *s);

	*s = (struct server){chan_of(int, 0), chan_of(int, 0)};
	go(serve_object, s);
	for (int i = 0; i < 10; i++)
		chan_send(s->requests, &i);
	if (stop)
		chan_close(s->stop);
}

int main(void)
{
	use(true);
	use(false);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
