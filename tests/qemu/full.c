/* For a dump when the machine has no memory left, and then with many coroutines; for each it waits for a
 * line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { MANY = 500 };

static struct chan *never;

static void waits(void *arg)
{
	int value;

	(void)arg;
	chan_recv(never, &value);
}

/* How many have stopped. */
static int waiting(void)
{
	static struct runtime_co all[MANY + 50];
	int n = runtime_list(all, sizeof(all) / sizeof(all[0])), count = 0;

	for (int i = 0; i < n; i++)
		count += !strcmp(all[i].state, "waiting") && !strncmp(all[i].reason, "chan", 4);
	return count;
}

int main(void)
{
	void **blocks = NULL, **next;
	char line[80];

	never = chan_make(sizeof(int), 0);
	puts("begins");
	fgets(line, sizeof(line), stdin);
	for (size_t size = 1 << 20; size >= sizeof(*next); size /= 2)
		for (; (next = malloc(size)); blocks = next)
			*next = blocks;
	puts("full");
	fgets(line, sizeof(line), stdin);
	for (; blocks; blocks = next) {
		next = *blocks;
		free(blocks);
	}
	go_pin(0); /* so each has a larger id than the one before, and the last is listed last */
	for (int i = 0; i < MANY; i++)
		if (go(waits, NULL))
			return 1;
	go_with(&(struct go_options){.name = "last"}, waits, NULL);
	while (waiting() < MANY + 1)
		go_yield();
	puts("many");
	fgets(line, sizeof(line), stdin);
	return 3;
}
