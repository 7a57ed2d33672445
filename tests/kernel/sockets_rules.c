/* Sockets over the loopback, where systems like to differ: each check holds on Linux, where the host
 * port runs it with that system's sockets. */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/select.h>

#include "sockets.h"

static union address address_of(int fd)
{
	union address a = {0};
	socklen_t size = sizeof a;

	expect_eq(getsockname(fd, &a.any, &size), 0);
	return a;
}

static int error_of(int fd)
{
	int error = -1;
	socklen_t size = sizeof error;

	expect_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	return error;
}

/* A port of the loopback where nobody listens. */
static int closed_port(int family, int type)
{
	int fd = bound(family, type), port = port_of(fd);

	close(fd);
	return port;
}

/* ---- UDP ------------------------------------------------------------------------------------ */

static void test_udp_refused(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	union address to, own;
	socklen_t size = loopback(&to, family, closed_port(family, SOCK_DGRAM));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	set_limit(fd, SO_RCVTIMEO, 10000);
	expect_eq(connect(fd, &to.any, size), 0);
	own = address_of(fd);
	loopback(&to, family, ntohs(own.in.sin_port));
	expect(own.in.sin_port != 0);
	if (family == AF_INET)
		expect_eq(own.in.sin_addr.s_addr, to.in.sin_addr.s_addr);
	else
		expect(!memcmp(&own.in6.sin6_addr, &to.in6.sin6_addr, 16));
	expect_eq(send(fd, "x", 1, 0), 1);
	expect_eq(poll(&p, 1, 10000), 1);
	expect_eq(p.revents & POLLERR, POLLERR);
	expect_fails(recv(fd, &c, 1, 0), ECONNREFUSED);
	expect_fails(recv(fd, &c, 1, MSG_DONTWAIT), EAGAIN); /* told once */
	expect_eq(send(fd, "x", 1, 0), 1);
	expect_eq(poll(&p, 1, 10000), 1);
	expect_fails(send(fd, "x", 1, 0), ECONNREFUSED);
	close(fd);
	verdict("a connected UDP socket hears of a closed port, IPv%d", family == AF_INET ? 4 : 6);
}

static void test_udp_wildcard(int family)
{
	int a = socket(family, SOCK_DGRAM, 0), b = bound(family, SOCK_DGRAM);
	union address to = {0}, peer = {0};
	socklen_t size = loopback(&to, family, port_of(b)), peer_size = sizeof peer;
	char c;

	set_limit(b, SO_RCVTIMEO, 10000);
	if (family == AF_INET)
		to.in.sin_addr.s_addr = 0;
	else
		to.in6.sin6_addr = in6addr_any;
	expect_eq(sendto(a, "x", 1, 0, &to.any, size), 1);
	expect_eq(recv(b, &c, 1, 0), 1);
	expect_eq(connect(a, &to.any, size), 0);
	expect_eq(send(a, "y", 1, 0), 1);
	expect_eq(recvfrom(b, &c, 1, 0, &peer.any, &peer_size), 1);
	expect_eq(peer.in.sin_port, address_of(a).in.sin_port);
	to.in.sin_port = 0;
	expect_fails(sendto(a, "x", 1, 0, &to.any, size), EINVAL);
	close_both((int[]){a, b});
	verdict("UDP to the wildcard address comes to this machine, IPv%d",
		family == AF_INET ? 4 : 6);
}

static void test_udp_shut(void)
{
	int fd = bound(AF_INET, SOCK_DGRAM);
	union address to;
	socklen_t size = loopback(&to, AF_INET, port_of(fd));
	struct pollfd p = {.fd = fd, .events = POLLIN};

	expect_eq(connect(fd, &to.any, size), 0);
	expect_eq(poll(&p, 1, 0), 0);
	expect_eq(shutdown(fd, SHUT_RDWR), 0);
	expect_eq(poll(&p, 1, 0), 1);
	expect_eq(p.revents & POLLHUP, POLLHUP);
	close(fd);
	verdict("POLLHUP of a UDP socket that is shut both ways");
}

static void shut_later(void *arg)
{
	time_sleep(2 * NSEC_PER_MSEC);
	expect_eq(shutdown((int)(intptr_t)arg, SHUT_RD), 0);
}

static void connected(int type, int fds[2])
{
	union address to;
	socklen_t size;

	if (type == SOCK_STREAM) {
		connection(AF_INET, fds);
	} else {
		fds[0] = bound(AF_INET, type);
		fds[1] = bound(AF_INET, type);
		for (int i = 0; i < 2; i++) {
			size = loopback(&to, AF_INET, port_of(fds[!i]));
			expect_eq(connect(fds[i], &to.any, size), 0);
		}
	}
	set_limit(fds[0], SO_RCVTIMEO, 10000);
}

/* What has come is read, then it is the end: for who waits, and for who comes later. */
static void test_shut_reading(int type)
{
	int fds[2];
	char text[10];

	connected(type, fds);
	expect_eq(send(fds[1], "abc", 3, 0), 3);
	expect_eq(recv(fds[0], text, sizeof text, MSG_PEEK), 3);
	expect_eq(shutdown(fds[0], SHUT_RD), 0);
	expect_eq(recv(fds[0], text, sizeof text, 0), 3);
	expect_eq(recv(fds[0], text, sizeof text, 0), 0);
	expect_eq(read(fds[0], text, sizeof text), 0);
	close_both(fds);

	connected(type, fds);
	go(shut_later, (void *)(intptr_t)fds[0]);
	expect_eq(recv(fds[0], text, sizeof text, 0), 0);
	close_both(fds);
	verdict("SHUT_RD: what has come is read, then nothing, %s",
		type == SOCK_STREAM ? "TCP" : "UDP");
}

static void test_udp_largest(void)
{
	static char out[65508], in[65508];
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = bound(AF_INET, SOCK_DGRAM);
	union address to;
	socklen_t size = loopback(&to, AF_INET, port_of(b));

	set_limit(b, SO_RCVTIMEO, 10000);
	memset(out, 'u', sizeof out);
	expect_fails(sendto(a, out, 65508, 0, &to.any, size), EMSGSIZE);
	expect_eq(sendto(a, out, 65507, 0, &to.any, size), 65507);
	expect_eq(recv(b, in, sizeof in, 0), 65507);
	expect(!memcmp(in, out, 65507));
	close_both((int[]){a, b});
	verdict("the largest datagram, and one byte more");
}

static void test_other_loopback(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0), got;
	union address a, from = {0};
	socklen_t size = loopback(&a, AF_INET, 0), from_size = sizeof from;
	char c;

	a.in.sin_addr.s_addr = htonl(0x7f010203);
	expect_eq(bind(server, &a.any, size), 0);
	expect_eq(listen(server, 1), 0);
	a = address_of(server);
	set_limit(client, SO_SNDTIMEO, 10000);
	expect_eq(connect(client, &a.any, size), 0);
	expect_eq(address_of(client).in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	got = accept(server, NULL, NULL);
	expect_eq(address_of(got).in.sin_addr.s_addr, htonl(0x7f010203));
	expect_eq(send(got, "x", 1, 0), 1);
	expect_eq(recv(client, &c, 1, 0), 1);
	close_both((int[]){server, client});
	close(got);

	a.in.sin_port = 0;
	expect_eq(bind(u, &a.any, size), 0);
	a = address_of(u);
	set_limit(u, SO_RCVTIMEO, 10000);
	set_limit(v, SO_RCVTIMEO, 10000);
	expect_eq(sendto(v, "x", 1, 0, &a.any, size), 1);
	expect_eq(recvfrom(u, &c, 1, 0, &from.any, &from_size), 1);
	expect_eq(from.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	expect_eq(sendto(u, "y", 1, 0, &from.any, size), 1);
	expect_eq(recvfrom(v, &c, 1, 0, &from.any, &from_size), 1);
	expect_eq(from.in.sin_addr.s_addr, htonl(0x7f010203));
	close_both((int[]){u, v});
	verdict("all of 127/8 is this machine");
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static int server_fd;

static void shut_server(void *unused)
{
	(void)unused;
	until_parked(1);
	expect_eq(shutdown(server_fd, SHUT_RD), 0);
}

static void test_shut_listener(void)
{
	struct waitgroup wg = {0};
	int port;

	server_fd = listener(AF_INET);
	port = port_of(server_fd);
	waitgroup_go(&wg, shut_server, NULL);
	expect_fails(accept(server_fd, NULL, NULL), EINVAL);
	waitgroup_wait(&wg);
	expect_fails(dial(AF_INET, port), ECONNREFUSED);
	close(server_fd);
	verdict("shutdown of a listener ends accept");
}

static void test_refused(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), server;
	union address a;
	socklen_t size = loopback(&a, AF_INET, closed_port(AF_INET, SOCK_STREAM));
	char c;

	expect_fails(connect(fd, &a.any, size), ECONNREFUSED);
	expect_fails(read(fd, &c, 1), ENOTCONN);
	expect_fails(connect(fd, &a.any, size), ECONNREFUSED);
	server = listener(AF_INET);
	size = loopback(&a, AF_INET, port_of(server));
	expect_eq(connect(fd, &a.any, size), 0);
	expect_eq(write(fd, "x", 1), 1);
	close_both((int[]){fd, server});
	verdict("a socket whose connection was refused may try again");
}

static void test_inherited(void)
{
	int server = listener(AF_INET), client, got;
	struct timeval tv = {0};
	socklen_t size = sizeof tv;

	set_limit(server, SO_RCVTIMEO, 7000);
	set_limit(server, SO_SNDTIMEO, 9000);
	client = dial(AF_INET, port_of(server));
	got = accept(server, NULL, NULL);
	expect_eq(getsockopt(got, SOL_SOCKET, SO_RCVTIMEO, &tv, &size), 0);
	expect_eq(tv.tv_sec, 7);
	expect_eq(getsockopt(got, SOL_SOCKET, SO_SNDTIMEO, &tv, &size), 0);
	expect_eq(tv.tv_sec, 9);
	close_both((int[]){client, got});
	close(server);
	verdict("an accepted socket has the listener's timeouts");
}

static void reset(int fd)
{
	struct linger none = {.l_onoff = 1};

	expect_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
	close(fd);
}

static int to_reset;

static void reset_when_full(void *unused)
{
	(void)unused;
	until_parked(1);
	reset(to_reset);
}

static void test_reset_while_sending(void)
{
	static char data[8 << 20];
	struct waitgroup wg = {0};
	int fds[2], port;
	ssize_t n;

	connection(AF_INET, fds);
	port = port_of(fds[0]);
	to_reset = fds[1];
	waitgroup_go(&wg, reset_when_full, NULL);
	n = send(fds[0], data, sizeof data, MSG_NOSIGNAL);
	expect(n > 0 && n < (ssize_t)sizeof data);
	expect_fails(send(fds[0], data, 1, MSG_NOSIGNAL), ECONNRESET);
	expect_fails(send(fds[0], data, 1, MSG_NOSIGNAL), EPIPE);
	expect_eq(port_of(fds[0]), port);
	waitgroup_wait(&wg);
	close(fds[0]);
	verdict("a reset is told after what was sent in part; the address remains");
}

/* Whatever the size of the pieces, at each step. */
static void test_pollout(void)
{
	static const size_t sizes[] = {1, 100, 1460, 4096, 65536, 131072};
	static char data[131072];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		int fds[2];
		uint64_t start = time_now();
		struct pollfd p = {.events = POLLOUT};

		connection(AF_INET, fds);
		p.fd = fds[0];
		while (poll(&p, 1, 0) == 1 && patience(start)) {
			expect_eq(p.revents, POLLOUT);
			expect(send(fds[0], data, sizes[i], MSG_DONTWAIT) > 0);
		}
		close_both(fds);
	}
	verdict("POLLOUT: a send does not say EAGAIN");
}

/* ---- Names ---------------------------------------------------------------------------------- */

static int found(const char *name, struct addrinfo hints, struct addrinfo *first)
{
	struct addrinfo *list;
	int n = getaddrinfo(name, "80", &hints, &list);

	if (n)
		return n;
	*first = *list;
	for (struct addrinfo *a = list; a; a = a->ai_next)
		n++;
	freeaddrinfo(list);
	return n;
}

static void test_hints(void)
{
	struct addrinfo a;
	const int tcp = IPPROTO_TCP, udp = IPPROTO_UDP;

#define FOUND(name, ...) found(name, (struct addrinfo){__VA_ARGS__}, &a)
	expect_eq(FOUND("127.0.0.1", .ai_family = AF_INET, .ai_protocol = udp), 1);
	expect(a.ai_socktype == SOCK_DGRAM && a.ai_protocol == udp);
	expect_eq(FOUND("127.0.0.1", .ai_family = AF_INET, .ai_protocol = tcp), 1);
	expect(a.ai_socktype == SOCK_STREAM && a.ai_protocol == tcp);
	expect(FOUND("127.0.0.1", .ai_socktype = SOCK_DGRAM, .ai_protocol = tcp) < 0);
	expect(FOUND("127.0.0.1", .ai_socktype = SOCK_STREAM, .ai_protocol = udp) < 0);
	expect_eq(FOUND("127.0.0.1", .ai_flags = 1 << 20), EAI_BADFLAGS);
	expect(FOUND("LOCALhost", .ai_family = AF_INET, .ai_protocol = tcp) >= 1);
	expect_eq(FOUND("10.1.2.3", .ai_family = AF_INET6, .ai_protocol = tcp,
			.ai_flags = AI_V4MAPPED),
		  1);
	expect_eq(a.ai_family, AF_INET6);
	expect_eq(a.ai_addrlen, sizeof(struct sockaddr_in6));
#undef FOUND
	verdict("what hints say is done");
}

static void test_leading_zeros(void)
{
	static const char *const texts[] = {"010.8.8.8", "127.0.0.010", "1.2.3.09", "00.0.0.1"};
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		expect_eq(inet_pton(AF_INET, texts[i], bytes), 0);
	expect_eq(inet_pton(AF_INET, "0.10.0.255", bytes), 1);
	expect_eq(inet_pton(AF_INET6, "::ffff:1.2.3.04", bytes), 0);
	expect_eq(inet_addr("010.8.8.8"), htonl(0x08080808));
	verdict("inet_pton takes no leading zeros");
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static void test_descriptors(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, other;
	socklen_t size = sizeof one;
	fd_set set;

	expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	other = dup(fd);
	expect_eq(fcntl(other, F_GETFD), 0);
	expect_eq(fcntl(other, F_SETFD, FD_CLOEXEC), 0);
	expect_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
	close(other);
	other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	expect(other >= 0 && fcntl(other, F_GETFD) == FD_CLOEXEC);
	close(other);
	other = dup(fd);
	expect_eq(fcntl(other, F_GETFD), 0); /* the number's flag is not kept */
	expect_fails(fcntl(60000, F_GETFD), EBADF);

	expect_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
	expect_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, &size), 0);
	expect_eq(one, 0);
	expect_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, &size), 0);
	expect(one);
	expect_eq(error_of(fd), 0);
	close_both((int[]){fd, other});

	FD_ZERO(&set);
	for (int i = 0; i < 128; i++) {
		int before = FD_ISSET(i, &set), after;

		FD_SET(i, &set);
		after = FD_ISSET(i, &set);
		expect(!before && after);
	}
	verdict("FD_CLOEXEC, SO_REUSEADDR, FD_ISSET");
}

static void write_later(void *arg)
{
	time_sleep(2 * NSEC_PER_MSEC);
	expect_eq(write(*(int *)arg, "late", 4), 4);
}

/* Several descriptors of one connection: flags and limits are the same for all, its end is the last's. */
static void test_copies(void)
{
	int fds[2], copy, third;
	char text[10];

	connection(AF_INET, fds);
	copy = dup(fds[0]);
	third = fcntl(fds[0], F_DUPFD, 200);
	expect(copy > 0 && third >= 200);
	go(write_later, &fds[1]);
	expect_eq(read(copy, text, sizeof text), 4);
	expect_eq(fcntl(copy, F_SETFL, O_NONBLOCK), 0);
	expect(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	expect_fails(read(third, text, sizeof text), EAGAIN);
	expect_eq(fcntl(third, F_SETFL, 0), 0);
	expect(!(fcntl(copy, F_GETFL) & O_NONBLOCK));
	set_limit(copy, SO_RCVTIMEO, 1);
	expect_fails(read(fds[0], text, sizeof text), EAGAIN);
	set_limit(copy, SO_RCVTIMEO, 10000);
	expect_eq(close(fds[0]), 0);
	expect_eq(dup2(copy, fds[0]), fds[0]); /* again by that number */
	expect_eq(close(copy), 0);
	go(write_later, &fds[1]);
	expect_eq(read(fds[0], text, sizeof text), 4);
	expect_eq(dup2(fds[0], third), third);
	expect_eq(close(fds[0]), 0);
	go(write_later, &fds[1]);
	expect_eq(read(third, text, sizeof text), 4);
	expect_fails(dup2(-1, third), EBADF);
	expect_eq(dup2(fds[1], third), third); /* the last of this end */
	expect_eq(read(fds[1], text, sizeof text), 0);
	close_both((int[]){fds[1], third});
	verdict("several descriptors of a connection");
}

enum { LINES = 3000 };

/* Answers each line, in a stream of its own. */
static void answer_lines(void *arg)
{
	int fd = *(int *)arg;
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[100];

	expect(in && out && fileno(in) == fd);
	while (fgets(line, sizeof line, in)) {
		if (line[0] == '?')
			time_sleep(2 * NSEC_PER_MSEC);
		fprintf(out, "got %s", line);
		if (line[0] == '?')
			fflush(out);
	}
	expect(feof(in) && !ferror(in));
	expect_eq(fclose(out), 0);
	expect_eq(fclose(in), 0);
}

static void ask_lines(void *arg)
{
	for (int i = 0; i < LINES; i++) /* more than fits anywhere */
		expect(fprintf(arg, "%080d\n", i) == 81);
	expect_eq(fflush(arg), 0);
	expect_eq(shutdown(fileno(arg), SHUT_WR), 0);
}

/* stdio waits for a socket as any call does. */
static void test_streams(void)
{
	int fds[2], n = 0, number;
	FILE *in, *out;
	char line[100];

	connection(AF_INET, fds);
	go(answer_lines, &fds[1]);
	out = fdopen(fds[0], "w");
	in = fdopen(dup(fds[0]), "r");
	fprintf(out, "?%d\n", 17);
	fflush(out);
	expect_eq(fscanf(in, "got ?%d", &number), 1);
	expect_eq(number, 17);
	expect_eq(getc(in), '\n');
	go(ask_lines, out);
	while (fgets(line, sizeof line, in))
		n += strlen(line) == 85 && atoi(line + 4) == n;
	expect_eq(n, LINES);
	until_alone();
	fclose(out);
	fclose(in);
	verdict("streams on sockets");
}

struct reading {
	int fd;
	size_t count;
	struct waitgroup over;
};

enum { BUFFER = 4 * 1000 * 1000, PADDED = 6 * 1000 * 1000 };

/* Sleeps again and again while the other end is in the C library, and when that waits already. */
static void count_later(void *arg)
{
	struct reading *r = arg;
	char buf[5000];

	for (int i = 0; i < 100; i++)
		time_sleep(NSEC_PER_MSEC / 2);
	for (ssize_t n; (n = read(r->fd, buf, sizeof buf)) > 0;)
		r->count += (size_t)n;
	close(r->fd);
}

/* On the host port nothing is interrupted inside the library; what came then must not be forgotten when the
 * library does not return, but calls what waits for the other end. */
static void test_long_format(void)
{
	int fds[2];
	struct reading reading = {0};
	FILE *out;

	connection(AF_INET, fds);
	out = fdopen(fds[0], "w");
	expect_eq(setvbuf(out, NULL, _IOFBF, BUFFER), 0);
	reading.fd = fds[1];
	waitgroup_go(&reading.over, count_later, &reading);
	go_yield();
	expect_eq(fprintf(out, "%*d", PADDED, 1), PADDED);
	expect_eq(fclose(out), 0);
	waitgroup_wait(&reading.over);
	expect_eq(reading.count, PADDED);
	verdict("a timer ends while a long line is made, which then waits");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 21);
	test_udp_refused(AF_INET);
	test_udp_refused(AF_INET6);
	test_udp_wildcard(AF_INET);
	test_udp_wildcard(AF_INET6);
	test_udp_shut();
	test_shut_reading(SOCK_STREAM);
	test_shut_reading(SOCK_DGRAM);
	test_udp_largest();
	test_other_loopback();
	test_shut_listener();
	test_refused();
	test_inherited();
	test_reset_while_sending();
	test_pollout();
	test_hints();
	test_leading_zeros();
	test_descriptors();
	test_copies();
	test_streams();
	test_long_format();
	until_alone();
	verdict("nobody is left");
	return test_end();
}
