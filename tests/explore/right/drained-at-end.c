/* When it hears the word to stop, the worker first serves what is left. */
#include <vole.h>

enum { VALUES = 3 };

static struct chan *values, *quit;
static int served;

static void worker(void *arg)
{
	int value;
	struct select_case cases[] = {{values, SELECT_RECV, &value, 0},
				      {quit, SELECT_RECV, NULL, 0}};

	(void)arg;
	while (chan_select(cases, 2) == 0)
		served++;
	while (chan_try_recv(values, &value) == 0)
		served++;
}

int main(void)
{
	struct waitgroup all = {0};

	values = chan_of(int, VALUES);
	quit = chan_of(char, 0);
	waitgroup_go(&all, worker, NULL);
	for (int i = 0; i < VALUES; i++)
		chan_send(values, &i);
	chan_close(quit);
	waitgroup_wait(&all);
	return served != VALUES;
}
