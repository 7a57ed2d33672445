/* Stacks that were deep: their pages come back, and nothing that is in use is lost. */
#include "test.h"

enum { FRAME = 4000 };

static struct chan *go_on;
static struct waitgroup wg;
static _Atomic long want;
static size_t waiting;

static __attribute__((noinline)) long descend(long bytes)
{
	volatile char frame[FRAME];
	long sum = 0;

	for (int i = 0; i < FRAME; i += 500)
		frame[i] = (char)(bytes + i);
	if (bytes > FRAME)
		sum = descend(bytes - FRAME);
	for (int i = 0; i < FRAME; i += 500)
		sum += frame[i] == (char)(bytes + i);
	return sum;
}

static long sum_of(long bytes)
{
	return (bytes + FRAME - 1) / FRAME * (FRAME / 500);
}

static void deep_once(void *arg)
{
	char value;

	if (descend(want) != sum_of(want))
		runtime_panic("a frame has changed");
	chan_recv(go_on, &value);
	if (descend(want) != sum_of(want))
		runtime_panic("a frame has changed, the second time");
	waitgroup_done(arg);
}

static void start(long bytes, int n)
{
	struct go_options opt = {.stack = (size_t)bytes + 64 * 1024};

	want = bytes - bytes / 8;
	for (int i = 0; i < n; i++) {
		waitgroup_add(&wg, 1);
		expect_eq(go_with(&opt, deep_once, &wg), 0);
	}
	waiting += (size_t)n;
	until_parked(waiting);
}

static void finish(void)
{
	chan_close(go_on);
	waitgroup_wait(&wg);
	waiting = 0;
	chan_free(go_on);
	go_on = chan_of(char, 0);
}

static size_t available(void)
{
	struct runtime_stats s;

	runtime_stats(&s);
	return s.free_bytes;
}

int main(int argc, char **argv)
{
	size_t before, mb = 1024 * 1024;

	test_begin(argc, argv, 3);
	go_on = chan_of(char, 0);

	start(64 * (long)mb, 2);
	finish();
	verdict("recursion, 64 MB deep");

	/* More than there is, if those that wait keep what they have had. */
	before = available();
	for (size_t taken = 0; taken < before + before / 2; taken += 32 * mb)
		start(32 * (long)mb, 1);
	verdict("coroutines that wait give what they do not use");

	/* And malloc gets what is left. */
	static void *block[1024];

	for (int i = 0; i < 1024; i++)
		expect((block[i] = malloc(before / 3 / 1024)) != NULL);
	for (int i = 0; i < 1024; i++)
		free(block[i]);
	want = 1024 * 1024;
	finish();
	verdict("they go on with what they had");
	return test_end();
}
