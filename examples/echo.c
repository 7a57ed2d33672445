/*
 * The smallest server: what a client sends comes back to it. A coroutine for each connection reads
 * and writes as if it were alone.
 *
 *   make run APP=examples/echo.c NET=7000:7      then: nc 127.0.0.1 7000
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vole.h>

static void serve(void *arg)
{
	int client = *(int *)arg;
	char buf[1024];
	ssize_t n;

	while ((n = read(client, buf, sizeof buf)) > 0)
		if (write(client, buf, (size_t)n) != n)
			break;
	close(client);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "7"))};
	int on = 1, server = socket(AF_INET, SOCK_STREAM, 0), client;

	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (server < 0 || bind(server, (struct sockaddr *)&here, sizeof here) ||
	    listen(server, 128)) {
		perror("echo");
		return 1;
	}
	printf("echo: port %d\n", ntohs(here.sin_port));
	for (;;) {
		client = accept(server, NULL, NULL);
		if (client < 0) {
			perror("accept");
			time_sleep(NSEC_PER_SEC / 10); /* too many: some will end */
		} else if (go_copy(serve, &client, sizeof client)) {
			close(client);
		}
	}
}
