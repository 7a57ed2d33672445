/*
 * A mailbox of one place, in which the latest message is: who puts one in forgets to free the one
 * that was there, if nobody has taken it by then.
 * fault: leak
 * with: LEAKS=1
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

enum { MESSAGES = 3 };

static _Atomic(int *) latest;

static void writer(void *unused)
{
	(void)unused;
	for (int i = 0; i < MESSAGES; i++) {
		int *message = malloc(sizeof *message);

		*message = i;
		atomic_store(&latest, message);
		go_yield();
	}
}

int main(void)
{
	struct waitgroup wg = {0};

	waitgroup_go(&wg, writer, NULL);
	for (int last = -1; last < MESSAGES - 1; go_yield()) {
		int *message = atomic_exchange(&latest, NULL);

		if (message)
			last = *message;
		free(message);
	}
	waitgroup_wait(&wg);
	return 0;
}
