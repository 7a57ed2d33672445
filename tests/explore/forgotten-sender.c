/*
 * Two are asked and the first answer is taken: who is second waits for ever with its own. Where the
 * end of the program comes before that, nothing is seen of it.
 * fault: leak
 * with: LEAKS=1
 */
#include <stdlib.h>
#include <vole.h>

static void ask(void *answers)
{
	int *answer = malloc(sizeof *answer);

	*answer = 42;
	chan_send((struct chan *)answers, &answer);
}

int main(void)
{
	struct chan *answers = chan_of(int *, 0);
	int *first;

	go(ask, answers);
	go(ask, answers);
	chan_recv(answers, &first);
	free(first);
	return 0;
}
