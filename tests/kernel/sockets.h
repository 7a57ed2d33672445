/* For test programs with sockets: connections over the loopback. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test.h"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* A call gives -1, with this errno. */
#define expect_fails(call, error) \
	do { \
		errno = 0; \
		expect_eq((call), -1); \
		expect_eq(errno, (error)); \
	} while (0)

/* The loopback's; returns the size. */
TEST_UNUSED static socklen_t loopback(union address *a, int family, int port)
{
	memset(a, 0, sizeof *a);
	a->any.sa_family = (sa_family_t)family;
	a->in.sin_port = htons((uint16_t)port);
	if (family == AF_INET)
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a->in6.sin6_addr = in6addr_loopback;
	return family == AF_INET ? sizeof a->in : sizeof a->in6;
}

TEST_UNUSED static int port_of(int fd)
{
	union address a;
	socklen_t size = sizeof a;

	return getsockname(fd, &a.any, &size) ? -1 : ntohs(a.in.sin_port);
}

/* Bound to some port of the loopback. */
TEST_UNUSED static int bound(int family, int type)
{
	union address a;
	socklen_t size = loopback(&a, family, 0);
	int fd = socket(family, type, 0);

	if (fd < 0 || bind(fd, &a.any, size))
		runtime_panic("no socket: %s", strerror(errno));
	return fd;
}

TEST_UNUSED static int listener(int family)
{
	int fd = bound(family, SOCK_STREAM);

	if (listen(fd, 1000))
		runtime_panic("listen: %s", strerror(errno));
	return fd;
}

/* Connected; -1 and errno. */
TEST_UNUSED static int dial(int family, int port)
{
	union address a;
	socklen_t size = loopback(&a, family, port);
	int fd = socket(family, SOCK_STREAM, 0), error;

	if (connect(fd, &a.any, size) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Both ends of one. */
TEST_UNUSED static void connection(int family, int fds[2])
{
	int server = listener(family);

	fds[0] = dial(family, port_of(server));
	fds[1] = accept(server, NULL, NULL);
	close(server);
	if (fds[0] < 0 || fds[1] < 0)
		runtime_panic("no connection: %s", strerror(errno));
}

TEST_UNUSED static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

TEST_UNUSED static void set_limit(int fd, int option, int ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	expect_eq(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit), 0);
}

#endif
