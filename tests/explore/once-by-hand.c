/*
 * The first one fills the table, and the others go on at once, whether it is full or not.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic bool begun;
static int table[4];

static void user(void *arg)
{
	int sum = 0;

	(void)arg;
	if (!atomic_exchange(&begun, true))
		for (int i = 0; i < 4; i++)
			table[i] = i;
	for (int i = 0; i < 4; i++)
		sum += table[i];
	if (sum != 6)
		runtime_panic("half a table");
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, user, NULL);
	waitgroup_go(&both, user, NULL);
	waitgroup_wait(&both);
	return 0;
}
