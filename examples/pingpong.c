/*
 * Two coroutines and two unbuffered channels: main serves a number, the other sends it back.
 * Then how long a round trip took, of 100, so that ten thousand schedules of it are explored in a
 * minute. ARGS=1000000 asks for that many.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

static struct chan *ping, *pong;

/* Returns every ball, until ping is closed. */
static void player(void *arg)
{
	struct waitgroup *playing = arg;
	int ball;

	while (chan_recv(ping, &ball) == 0)
		chan_send(pong, &ball);
	waitgroup_done(playing);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	struct waitgroup playing = {0};

	ping = chan_of(int, 0);
	pong = chan_of(int, 0);
	waitgroup_add(&playing, 1);
	if (rounds < 1 || !ping || !pong || go(player, &playing) < 0) {
		fprintf(stderr, "pingpong: no game: %d rounds, or no memory\n", rounds);
		return 1;
	}

	uint64_t start = time_now();
	for (int sent = 1; sent <= rounds; sent++) {
		int back;

		chan_send(ping, &sent);
		chan_recv(pong, &back);
		if (back != sent) {
			fprintf(stderr, "pingpong: sent %d, got %d\n", sent, back);
			return 1;
		}
	}
	uint64_t took = time_now() - start;

	chan_close(ping);
	waitgroup_wait(&playing);
	printf("%d round trips in %" PRIu64 " us, %" PRIu64 " ns each\n", rounds,
	       took / NSEC_PER_USEC, took / rounds);
	return 0;
}
