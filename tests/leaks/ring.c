/* Each waits for its left neighbour, and is waited for by its right one. */
// leaks: 5 "neighbour" waiting for chan receive
#include <stdlib.h>
#include <vole.h>

struct place {
	struct chan *left, *right;
};

static void neighbour(void *arg)
{
	struct place place = *(struct place *)arg;
	int token;

	chan_recv(place.left, &token);
	chan_send(place.right, &token);
}

int main(void)
{
	struct chan *first = chan_of(int, 0), *left = first;

	for (int i = 0; i < 5; i++) {
		struct place place = {left, i < 4 ? chan_of(int, 0) : first};

		go_copy(neighbour, &place, sizeof place);
		left = place.right;
	}
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}
