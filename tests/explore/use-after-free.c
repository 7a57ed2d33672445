/*
 * A request is freed by who made it, while who serves it still looks at it.
 * fault: memory or race
 */
#include <stdlib.h>
#include <vole.h>

struct request {
	struct chan *answer;
	_Atomic int served;
};

static void server(void *arg)
{
	struct request *request = arg;
	int answer = 42;

	chan_send(request->answer, &answer);
	request->served++;
}

int main(void)
{
	struct request *request = malloc(sizeof *request);
	int answer;

	request->answer = chan_of(int, 0);
	request->served = 0;
	go(server, request);
	chan_recv(request->answer, &answer);
	chan_free(request->answer);
	free(request);
	return 0;
}
