/*
 * Sockets through the network card, for tests/net/wire.py: a server whose connections begin with a
 * line, an order and a number.
 *	? 0		answers !
 *	send N		sends N bytes, and ends
 *	keep N		the same, but waits for the end of the other side first
 *	drip N		sends N bytes, a hundred every now and then
 *	count 0		reads to the end, answers how many bytes were right
 *	free 0		says how many bytes of memory are free
 *	hold 0		reads nothing, until it is let go
 *	let 0		lets all of these go
 *	alive 0		waits for data, with keep-alive each second; tells last how that ended
 *	stuck 0		the same, but waits for room to send more
 *	last 0		says how the last of these two has ended
 *	tick PORT	sends a datagram to that port of the host each 20 ms, until there is an end
 *	busy 0		says how many connections have an order that goes on
 *	listen PORT	listens at PORT, with a backlog of 1, accepts nothing, until there is an end
 *	name NAME	says getaddrinfo's result for NAME, its IPv4 address, and how many ms that took
 *	dial PORT	connects to that port of the host, echoes what it says
 *	udp PORT	sends datagrams of many sizes to that port, each of which has to come back
 *	short N M	sends 300 bytes, and when a byte has come N; meanwhile the Mth allocation fails
 *			(in an image made with BUILD=failing)
 * With the argument "offload" TCP's checksums are left to the card, though QEMU's wire has none that would
 * make them: the other end sees what was left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vole.h>

#include "../../drivers/netdev.h"

static char pattern(size_t i)
{
	return (char)(i * 31 + i / 251);
}

/* Port of the host, as QEMU's user network shows it. */
static struct sockaddr_in host(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(0x0a000202)};
}

static void send_pattern(int fd, size_t n)
{
	char buf[5000];

	for (size_t at = 0, piece; at < n; at += piece) {
		piece = n - at < sizeof buf ? n - at : sizeof buf;
		for (size_t i = 0; i < piece; i++)
			buf[i] = pattern(at + i);
		if (write(fd, buf, piece) != (ssize_t)piece)
			return;
	}
}

static void count(int fd)
{
	char buf[7000];
	size_t at = 0, right = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			right += buf[i] == pattern(at);
	dprintf(fd, "%zu", n < 0 ? 0 : right);
}

static void tell_free(int fd)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	dprintf(fd, "%zu", stats.free_bytes);
}

static int last_error;
static struct event ended;

static void keep_alive(int fd)
{
	int on = 1, tries = 2;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

static void wait_for_data(int fd)
{
	char c;

	keep_alive(fd);
	last_error = read(fd, &c, 1) < 0 ? errno : 0;
	event_post(&ended);
}

static void wait_for_room(int fd)
{
	static char data[10000];

	keep_alive(fd);
	while (write(fd, data, sizeof data) > 0)
		;
	last_error = errno;
	event_post(&ended);
}

static void tell_last(int fd)
{
	event_wait(&ended);
	dprintf(fd, "%s", strerror(last_error));
}

static struct mutex holding;
static struct cond let_go;

static void hold(void)
{
	mutex_lock(&holding);
	cond_wait(&let_go, &holding);
	mutex_unlock(&holding);
}

static void let(int fd)
{
	mutex_lock(&holding);
	cond_broadcast(&let_go);
	mutex_unlock(&holding);
	write(fd, "!", 1);
}

static void listen_only(int fd, int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	if (!bind(s, (struct sockaddr *)&any, sizeof any) && !listen(s, 1))
		write(fd, "!", 1);
	read(fd, &c, 1);
	close(s);
}

static void tell_address(int fd, const char *name)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
	uint64_t start = time_now();
	int error = getaddrinfo(name, NULL, &hints, &found);
	unsigned long ms = (unsigned long)((time_now() - start) / NSEC_PER_MSEC);

	if (error) {
		dprintf(fd, "%d in %lu ms", error, ms);
		return;
	}
	dprintf(fd, "0 %s in %lu ms", inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr),
		ms);
	freeaddrinfo(found);
}

static void dial(int fd, int port)
{
	struct sockaddr_in to = host(port);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	char buf[1000];
	ssize_t n;

	if (connect(other, (struct sockaddr *)&to, sizeof to)) {
		dprintf(fd, "%s", strerror(errno));
	} else {
		while ((n = read(other, buf, sizeof buf)) > 0)
			write(other, buf, (size_t)n);
		dprintf(fd, "done");
	}
	close(other);
}

static void udp(int fd, int port)
{
	static const size_t sizes[] = {0, 1, 100, 1472, 1473, 4000, 20000};
	struct sockaddr_in to = host(port);
	struct timeval patience = {.tv_sec = 20};
	char *out = malloc(20000), *in = malloc(20000);
	int s = socket(AF_INET, SOCK_DGRAM, 0), good = 0;

	for (size_t i = 0; i < 20000; i++)
		out[i] = pattern(i);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	connect(s, (struct sockaddr *)&to, sizeof to);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i];

		send(s, out, n, 0);
		good += recv(s, in, 20000, 0) == (ssize_t)n && !memcmp(in, out, n);
	}
	dprintf(fd, "%d", good);
	close(s);
	free(in);
	free(out);
}

static void tick(int fd, int port)
{
	struct sockaddr_in to = host(port);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	while (poll(&end, 1, 20) == 0)
		sendto(s, "", 1, 0, (struct sockaddr *)&to, sizeof to);
	close(s);
}

long runtime_fail_alloc(long n) __attribute__((weak));

static void short_of_memory(int fd, size_t n, int failing)
{
	char c;

	send_pattern(fd, 300);
	read(fd, &c, 1);
	if (runtime_fail_alloc)
		runtime_fail_alloc(failing);
	send_pattern(fd, n);
	while (read(fd, &c, 1) > 0)
		;
	if (runtime_fail_alloc)
		runtime_fail_alloc(-1);
}

static _Atomic int busy;

static void serve(void *arg)
{
	int fd = *(int *)arg, n = 0, more = 0;
	char line[40], order[10] = "", word[30] = "";
	size_t at = 0;

	while (at < sizeof line - 1 && read(fd, &line[at], 1) == 1 && line[at] != '\n')
		at++;
	line[at] = '\0';
	sscanf(line, "%9s %29s %d", order, word, &more);
	n = atoi(word);
	if (!strcmp(order, "busy"))
		dprintf(fd, "%d", busy);
	busy++;
	if (!strcmp(order, "?"))
		write(fd, "!", 1);
	else if (!strcmp(order, "send"))
		send_pattern(fd, (size_t)n);
	else if (!strcmp(order, "drip"))
		for (int i = 0; i < n; i += 100) {
			send_pattern(fd, 100);
			time_sleep(20 * NSEC_PER_MSEC);
		}
	else if (!strcmp(order, "keep")) {
		send_pattern(fd, (size_t)n);
		while (read(fd, line, sizeof line) > 0)
			;
	} else if (!strcmp(order, "count"))
		count(fd);
	else if (!strcmp(order, "free"))
		tell_free(fd);
	else if (!strcmp(order, "alive"))
		wait_for_data(fd);
	else if (!strcmp(order, "stuck"))
		wait_for_room(fd);
	else if (!strcmp(order, "last"))
		tell_last(fd);
	else if (!strcmp(order, "listen"))
		listen_only(fd, n);
	else if (!strcmp(order, "name"))
		tell_address(fd, word);
	else if (!strcmp(order, "hold"))
		hold();
	else if (!strcmp(order, "let"))
		let(fd);
	else if (!strcmp(order, "dial"))
		dial(fd, n);
	else if (!strcmp(order, "udp"))
		udp(fd, n);
	else if (!strcmp(order, "tick"))
		tick(fd, n);
	else if (!strcmp(order, "short"))
		short_of_memory(fd, (size_t)n, more);
	close(fd);
	busy--;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	int server, fd;

	if (argc > 1 && !strcmp(argv[1], "offload"))
		netdev_first()->checksum_send = true;
	server = socket(AF_INET6, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&any, sizeof any) || listen(server, 100)) {
		perror("listen");
		return 1;
	}
	while ((fd = accept(server, NULL, NULL)) >= 0)
		if (go_copy(serve, &fd, sizeof fd))
			close(fd);
	perror("accept");
	return 1;
}
