/* Waits for two channels at once; whoever sends, each value is received once. */
#include <vole.h>

enum { EACH = 4 };

static void sender(void *arg)
{
	int one = 1;

	for (int i = 0; i < EACH; i++)
		chan_send(arg, &one);
}

int main(void)
{
	struct waitgroup both = {0};
	struct chan *a = chan_of(int, 0), *b = chan_of(int, 0);
	int value, sum = 0;
	struct select_case cases[] = {{a, SELECT_RECV, &value, 0}, {b, SELECT_RECV, &value, 0}};

	waitgroup_go(&both, sender, a);
	waitgroup_go(&both, sender, b);
	for (int i = 0; i < 2 * EACH; i++) {
		chan_select(cases, 2);
		sum += value;
	}
	waitgroup_wait(&both);
	chan_free(a);
	chan_free(b);
	return sum != 2 * EACH;
}
