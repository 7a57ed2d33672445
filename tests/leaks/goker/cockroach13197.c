/* A transaction is begun, with one that waits for its end; it is neither committed nor rolled back. */
// leaks: 1 "await_done" waiting for chan receive
#include "goker.h"

struct transaction {
	struct chan *done;
};

static void await_done(void *arg)
{
	struct transaction *tx = arg;

	take(tx->done);
	chan_free(tx->done);
	free(tx);
}

static struct transaction *begin(void)
{
	struct transaction *tx = make_new(struct transaction);

	tx->done = signals(0);
	go(await_done, tx);
	return tx;
}

int main(void)
{
	begin();
	return settled();
}
