/*
 * Vole's side of make bench-qemu. Its twin, the same work line for line, is go/bench.go.
 * Prints main at once, then for each operation that is an argument how many nanoseconds it takes.
 */
#include <stdio.h>
#include <string.h>
#include <vole.h>

enum { TIMES = 200000 };

static void answer(void *arg)
{
	struct chan **c = arg;
	int value;

	while (chan_recv(c[0], &value) == 0)
		chan_send(c[1], &value);
}

/* There and back between two coroutines. */
static void round_trip(int n)
{
	struct chan *c[2] = {chan_of(int, 0), chan_of(int, 0)};
	struct waitgroup wg = {0};

	waitgroup_go(&wg, answer, c);
	for (int i = 0; i < n; i++) {
		chan_send(c[0], &i);
		chan_recv(c[1], &i);
	}
	chan_close(c[0]);
	waitgroup_wait(&wg);
	chan_free(c[0]);
	chan_free(c[1]);
}

static void yield(void *arg)
{
	for (int i = *(int *)arg; i; i--)
		go_yield();
}

/* Two coroutines take turns. */
static void yields(int n)
{
	struct waitgroup wg = {0};
	int half = n / 2;

	waitgroup_go(&wg, yield, &half);
	yield(&half);
	waitgroup_wait(&wg);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Started and waited for, one after the other. */
static void spawn(int n)
{
	struct waitgroup wg = {0};

	for (int i = 0; i < n; i++) {
		waitgroup_go(&wg, nothing, NULL);
		waitgroup_wait(&wg);
	}
}

static const struct {
	const char *name;
	void (*run)(int n);
} operations[] = {{"roundtrip", round_trip}, {"yield", yields}, {"spawn", spawn}};

static void measure(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		operations[i].run(TIMES / 10);

		uint64_t start = time_now();

		operations[i].run(TIMES);
		printf("%s %.1f\n", name, (double)(time_now() - start) / TIMES);
	}
}

int main(int argc, char **argv)
{
	printf("main\n");
	fflush(stdout);
	for (int i = 1; i < argc; i++)
		measure(argv[i]);
	return 0;
}
