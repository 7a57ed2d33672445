/*
 * A block belongs to who has got its address from the channel. The last one frees it, and the
 * channel.
 */
#include <stdlib.h>
#include <vole.h>

static struct chan *to_worker, *back;

static void worker(void *arg)
{
	int *block;

	(void)arg;
	while (chan_recv(to_worker, &block) == 0) {
		*block += 1;
		chan_send(back, &block);
	}
	chan_close(back);
}

int main(void)
{
	int sum = 0, *block;

	to_worker = chan_of(int *, 0);
	back = chan_of(int *, 4);
	go(worker, NULL);
	for (int i = 0; i < 3; i++) {
		block = malloc(sizeof *block);
		*block = i;
		chan_send(to_worker, &block);
	}
	chan_close(to_worker);
	while (chan_recv(back, &block) == 0) {
		sum += *block;
		free(block);
	}
	chan_free(to_worker);
	chan_free(back);
	return sum != 6;
}
