/*
 * An HTTP server, and a page that shows the machine at work:
 *
 *   make run APP=examples/httpd FILES=docs NET=8080:80      then http://127.0.0.1:8080/
 *
 * Options are words NAME=VALUE, as in ARGS="port=80 connections=100"; see the table below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd.h"

#ifdef FILES_OF_HOST /* a process of the host: nobody else's, unless they say so */
#define BIND "127.0.0.1"
#else
#define BIND "0.0.0.0"
#endif

enum { BACKLOG = 250 };
#define FULL_PAUSE (10 * NSEC_PER_MSEC)

struct config config = {
	.port = 80,
	.connections = 12000,
	.header_bytes = 8192,
	.body_bytes = 1024 * 1024,
	.idle_time = 60,
	.header_time = 10,
	.body_time = 60,
	.demo = 1,
	.bind = BIND,
};

static const struct {
	const char *name;
	long *number;
	long min;
	const char **word;
} table[] = {
	{"port", &config.port, 0, NULL},
	{"connections", &config.connections, 1, NULL},
	{"header", &config.header_bytes, 64, NULL},
	{"body", &config.body_bytes, 0, NULL},
	{"idle-time", &config.idle_time, 1, NULL},
	{"header-time", &config.header_time, 1, NULL},
	{"body-time", &config.body_time, 1, NULL},
	{"demo", &config.demo, 0, NULL},
	{"bind", NULL, 0, &config.bind},
	{"files", NULL, 0, &config.files},
};

_Atomic long connections_now;
_Atomic unsigned long connections_ever, requests_ever;

static bool set_option(const char *arg)
{
	const char *value = strchr(arg, '=');
	char *end;

	for (size_t i = 0; value && i < sizeof table / sizeof *table; i++) {
		size_t len = (size_t)(value - arg);

		if (strlen(table[i].name) != len || memcmp(table[i].name, arg, len))
			continue;
		if (table[i].word) {
			*table[i].word = value + 1;
			return true;
		}
		*table[i].number = strtol(value + 1, &end, 10);
		return !*end && end != value + 1 && *table[i].number >= table[i].min;
	}
	return false;
}

static int open_server(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)config.port)};
	int on = 1, server = socket(AF_INET, SOCK_STREAM, 0);

	if (server < 0)
		return -1;
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (inet_pton(AF_INET, config.bind, &here.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	if (bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, BACKLOG))
		return -1;
	return server;
}

/* One too many: told so, if that is possible at once. */
static void turn_away(int client)
{
	static const char busy[] =
		"HTTP/1.1 503 Service Unavailable\r\n"
		"Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

	(void)send(client, busy, sizeof busy - 1, MSG_DONTWAIT);
	close(client);
}

static void accept_all(int server)
{
	for (;;) {
		int client = accept(server, NULL, NULL);

		if (client < 0) {
			if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
				perror("httpd: accept");
				return;
			}
			time_sleep(FULL_PAUSE); /* no more sockets for now */
		} else if (connections_now >= config.connections || connection_start(client)) {
			turn_away(client);
		}
	}
}

int main(int argc, char **argv)
{
	int server;

	for (int i = 1; i < argc; i++)
		if (!set_option(argv[i])) {
			printf("httpd: what is %s? The options, with their defaults:\n", argv[i]);
			for (size_t k = 0; k < sizeof table / sizeof *table; k++)
				if (table[k].word)
					printf("  %s=%s\n", table[k].name,
					       *table[k].word ? *table[k].word : "");
				else
					printf("  %s=%ld\n", table[k].name, *table[k].number);
			return 1;
		}
	if (files_init()) {
		perror("httpd: files");
		return 1;
	}
	server = open_server();
	if (server < 0) {
		perror("httpd");
		return 1;
	}
	printf("httpd: port %ld, %d cores\n", config.port, runtime_cores());
	fflush(stdout);
	accept_all(server);
	return 1;
}
