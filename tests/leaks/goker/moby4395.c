/* A function is run, and its error can be had from a channel, which who has started it does not want. */
// leaks: 1 "run_and_send" waiting for chan send
#include "goker.h"

struct run {
	int (*fn)(void);
	struct chan *errors;
};

static void run_and_send(void *arg)
{
	struct run *run = arg;
	int error = run->fn();

	chan_send(run->errors, &error);
}

static struct chan *start(int (*fn)(void))
{
	struct run *run = make_new(struct run);

	*run = (struct run){fn, chan_of(int, 0)};
	go(run_and_send, run);
	return run->errors;
}

static int fails(void)
{
	return -1;
}

int main(void)
{
	start(fails);
	return settled();
}
