/* Sockets over the loopback: UDP, both families on one socket, addresses and names, every error. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>

#include "sockets.h"

/* ---- UDP ------------------------------------------------------------------------------------ */

static void test_udp(int family)
{
	int a = bound(family, SOCK_DGRAM), b = bound(family, SOCK_DGRAM), n = 0;
	union address to, from;
	socklen_t size = loopback(&to, family, port_of(b)), from_size = sizeof from;
	char buf[100];
	struct iovec part = {buf, 4};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	expect_eq(sendto(a, "first", 5, 0, &to.any, size), 5);
	expect_eq(sendto(a, "", 0, 0, &to.any, size), 0);
	expect_eq(sendto(a, "third one", 9, 0, &to.any, size), 9);
	expect_eq(ioctl(b, FIONREAD, &n), 0);
	expect_eq(n, 5);
	expect_eq(recv(b, buf, sizeof buf, MSG_PEEK), 5);
	expect_eq(recvfrom(b, buf, sizeof buf, 0, &from.any, &from_size), 5);
	expect(!memcmp(buf, "first", 5));
	expect_eq(from_size, size);
	expect_eq(ntohs(from.in.sin_port), port_of(a));
	expect_eq(recv(b, buf, sizeof buf, 0), 0);
	expect_eq(recvmsg(b, &message, 0), 4); /* the rest is lost */
	expect_eq(message.msg_flags, MSG_TRUNC);
	expect_fails(recv(b, buf, sizeof buf, MSG_DONTWAIT), EAGAIN);

	expect_fails(send(a, "x", 1, 0), EDESTADDRREQ);
	expect_eq(connect(a, &to.any, size), 0);
	expect_eq(send(a, "connected", 9, 0), 9);
	expect_eq(recv(b, buf, sizeof buf, MSG_TRUNC), 9);
	from_size = sizeof from;
	expect_eq(getpeername(a, &from.any, &from_size), 0);
	expect_eq(ntohs(from.in.sin_port), port_of(b));
	expect_fails(sendto(a, buf, 70000, 0, NULL, 0), EMSGSIZE);
	close_both((int[]){a, b});
	verdict("UDP over IPv%d", family == AF_INET ? 4 : 6);
}

/* Larger than a frame would be; and one that nobody reads. */
static void test_udp_large(void)
{
	static unsigned char out[60000], in[60000];
	int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
	union address to;
	socklen_t size = loopback(&to, AF_INET, port_of(b));
	struct runtime_stats before, after;

	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	expect_eq(sendto(a, out, sizeof out, 0, &to.any, size), sizeof out);
	set_limit(b, SO_RCVTIMEO, 5000);
	expect_eq(recv(b, in, sizeof in, 0), sizeof in);
	expect(!memcmp(in, out, sizeof in));
	runtime_stats(&before);
	for (int i = 0; i < 100; i++)
		expect_eq(sendto(a, out, sizeof out, 0, &to.any, size), sizeof out);
	runtime_stats(&after);
	expect(after.heap_bytes < before.heap_bytes + (1 << 20));
	close_both((int[]){a, b});
	verdict("large datagrams; those that nobody reads are dropped");
}

/* ---- Addresses ------------------------------------------------------------------------------ */

static void test_both_families(void)
{
	int server = socket(AF_INET6, SOCK_STREAM, 0), one = 1, client, got;
	union address a = {.in6 = {.sin6_family = AF_INET6}};
	socklen_t size = sizeof a;

	expect_eq(bind(server, &a.any, sizeof a.in6), 0);
	expect_eq(listen(server, 5), 0);
	client = dial(AF_INET, port_of(server));
	got = accept(server, &a.any, &size);
	expect(client >= 0 && got >= 0);
	expect_eq(a.in6.sin6_family, AF_INET6);
	expect(IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr));
	close_both((int[]){client, got});
	client = dial(AF_INET6, port_of(server));
	size = sizeof a;
	got = accept(server, &a.any, &size);
	expect(client >= 0 && got >= 0 && IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr));
	close_both((int[]){client, got});

	client = socket(AF_INET6, SOCK_STREAM, 0);
	loopback(&a, AF_INET6, port_of(server));
	expect_eq(inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.in6.sin6_addr), 1);
	expect_eq(connect(client, &a.any, sizeof a.in6), 0);
	close(client);
	close(server);

	server = socket(AF_INET6, SOCK_STREAM, 0);
	expect_eq(setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one), 0);
	a.in6.sin6_addr = in6addr_any;
	a.in6.sin6_port = 0;
	expect_eq(bind(server, &a.any, sizeof a.in6), 0);
	expect_eq(listen(server, 5), 0);
	expect_fails(dial(AF_INET, port_of(server)), ECONNREFUSED);
	close(server);
	verdict("one socket for both families, and for one alone");
}

static void test_text(void)
{
	static const struct {
		int family;
		const char *text, *back; /* NULL: not one */
	} cases[] = {
		{AF_INET, "10.0.2.15", "10.0.2.15"},
		{AF_INET, "255.255.255.255", "255.255.255.255"},
		{AF_INET, "1.2.3", NULL},
		{AF_INET, "1.2.3.4.5", NULL},
		{AF_INET, "1.2.3.256", NULL},
		{AF_INET, "1.2.3.4 ", NULL},
		{AF_INET, "", NULL},
		{AF_INET6, "::", "::"},
		{AF_INET6, "::1", "::1"},
		{AF_INET6, "FE80::00ab:0", "fe80::ab:0"},
		{AF_INET6, "1:0:0:4:0:0:0:8", "1:0:0:4::8"},
		{AF_INET6, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{AF_INET6, "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
		{AF_INET6, "::ffff:1.2.3.4", "::ffff:1.2.3.4"},
		{AF_INET6, "1::2::3", NULL},
		{AF_INET6, "1:2:3:4:5:6:7", NULL},
		{AF_INET6, "1:2:3:4:5:6:7:8:9", NULL},
		{AF_INET6, "12345::", NULL},
		{AF_INET6, "1:", NULL},
		{AF_INET6, ":1", NULL},
		{AF_INET6, "::1.2.3", NULL},
	};
	char bytes[16], text[INET6_ADDRSTRLEN];
	struct in_addr in;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int ok = inet_pton(cases[i].family, cases[i].text, bytes);

		expect_eq(ok, cases[i].back ? 1 : 0);
		if (ok != 1 || !cases[i].back)
			continue;
		expect(inet_ntop(cases[i].family, bytes, text, sizeof text) == text);
		if (strcmp(text, cases[i].back))
			printf("# %s: %s\n", cases[i].text, text);
		expect(!strcmp(text, cases[i].back));
	}
	errno = 0;
	expect(!inet_ntop(AF_INET6, &in6addr_loopback, text, 3) && errno == ENOSPC);
	expect_fails(inet_pton(AF_UNIX, "x", bytes), EAFNOSUPPORT);
	expect_eq(inet_aton("10.1", &in), 1);
	expect_eq(ntohl(in.s_addr), 0x0a000001);
	expect_eq(inet_addr("0x7f.1"), htonl(INADDR_LOOPBACK));
	expect_eq(inet_addr("300.1"), INADDR_NONE);
	expect(!strcmp(inet_ntoa(in), "10.0.0.1"));
	verdict("addresses as text");
}

static void test_names(void)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *list;
	char host[NI_MAXHOST], service[NI_MAXSERV];
	int n = 0;

	expect_eq(getaddrinfo(NULL, "http", &hints, &list), 0);
	for (struct addrinfo *a = list; a; a = a->ai_next, n++) {
		expect_eq(ntohs(((struct sockaddr_in *)a->ai_addr)->sin_port), 80);
		expect_eq(getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, service,
				      sizeof service, 0),
			  0);
		expect(!strcmp(host, a->ai_family == AF_INET ? "0.0.0.0" : "::"));
		expect(!strcmp(service, "80"));
	}
	expect_eq(n, 2);
	freeaddrinfo(list);
	hints.ai_flags = AI_NUMERICHOST;
	hints.ai_family = AF_INET6;
	expect_eq(getaddrinfo("fe80::1", "22", &hints, &list), 0);
	freeaddrinfo(list);
	expect_eq(getaddrinfo("10.0.0.1", NULL, &hints, &list), EAI_NONAME);
	expect_eq(getaddrinfo("example", NULL, &hints, &list), EAI_NONAME);
	expect_eq(getaddrinfo("::1", "nothing", &hints, &list), EAI_SERVICE);
	expect_eq(getaddrinfo("::1", "70000", &hints, &list), EAI_SERVICE);
	expect_eq(getaddrinfo(NULL, NULL, &hints, &list), EAI_NONAME);
	hints.ai_family = 77;
	expect_eq(getaddrinfo("::1", NULL, &hints, &list), EAI_FAMILY);
	hints = (struct addrinfo){.ai_family = AF_INET};
	errno = 0;
	expect_eq(getaddrinfo("example.org", NULL, &hints, &list), EAI_SYSTEM); /* no card */
	expect_eq(errno, ENETDOWN);
	verdict("getaddrinfo, getnameinfo");
}

/* ---- Errors --------------------------------------------------------------------------------- */

static void test_kinds(void)
{
	expect_fails(socket(AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
	expect_fails(socket(AF_INET, 77, 0), EINVAL);
	expect_fails(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	expect_fails(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);

	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	expect(fd >= 0);
	expect_eq(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	close(fd);
	verdict("socket: what there is not");
}

static void test_no_socket(void)
{
	union address a;
	socklen_t size = loopback(&a, AF_INET, 1);
	char c = 0;

	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? 1 : i == 1 ? -1 : 60000, error = i ? EBADF : ENOTSOCK, value;

		expect_fails(bind(fd, &a.any, size), error);
		expect_fails(listen(fd, 1), error);
		expect_fails(accept(fd, NULL, NULL), error);
		expect_fails(connect(fd, &a.any, size), error);
		expect_fails(shutdown(fd, SHUT_WR), error);
		expect_fails(send(fd, &c, 1, 0), error);
		expect_fails(recv(fd, &c, 1, 0), error);
		expect_fails(getsockname(fd, &a.any, &size), error);
		expect_fails(getpeername(fd, &a.any, &size), error);
		size = sizeof value;
		expect_fails(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size), error);
		expect_fails(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 4), error);
	}
	verdict("no socket: EBADF, ENOTSOCK");
}

static void test_states(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), udp = bound(AF_INET, SOCK_DGRAM), fds[2];
	union address a;
	socklen_t size = loopback(&a, AF_INET, 0);
	char c = 0;

	expect_fails(read(fd, &c, 1), ENOTCONN);
	expect_fails(write(fd, &c, 1), ENOTCONN);
	expect_fails(shutdown(fd, SHUT_RD), ENOTCONN);
	expect_fails(getpeername(fd, &a.any, &size), ENOTCONN);
	expect_fails(accept(fd, NULL, NULL), EINVAL);
	expect_fails(listen(udp, 1), EOPNOTSUPP);
	expect_fails(accept(udp, NULL, NULL), EOPNOTSUPP);
	expect_fails(bind(fd, NULL, 0), EINVAL);
	expect_fails(bind(fd, &a.any, 3), EINVAL);
	a.any.sa_family = AF_INET6;
	expect_fails(bind(fd, &a.any, sizeof a.in6), EAFNOSUPPORT);
	loopback(&a, AF_INET, 0);
	a.in.sin_addr.s_addr = htonl(0x01020304);
	expect_fails(bind(fd, &a.any, sizeof a.in), EADDRNOTAVAIL);
	a.in.sin_port = htons(80);
	expect_fails(connect(fd, &a.any, sizeof a.in), ENETDOWN);
	expect_fails(sendto(udp, &c, 1, 0, &a.any, sizeof a.in), ENETDOWN);
	size = loopback(&a, AF_INET, 0);
	expect_eq(bind(fd, &a.any, size), 0);
	expect_fails(bind(fd, &a.any, size), EINVAL);
	close_both((int[]){fd, udp});

	connection(AF_INET, fds);
	expect_fails(listen(fds[0], 1), EINVAL);
	loopback(&a, AF_INET, port_of(fds[1]));
	expect_fails(connect(fds[0], &a.any, size), EISCONN);
	expect_fails(recv(fds[0], &c, 1, MSG_OOB), EOPNOTSUPP);
	expect_fails(send(fds[0], &c, 1, MSG_OOB), EOPNOTSUPP);
	expect_fails(shutdown(fds[0], 7), EINVAL);
	close_both(fds);
	verdict("calls at the wrong time");
}

static void test_in_use(void)
{
	int server = listener(AF_INET), fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, fds[2];
	union address a;
	socklen_t size = loopback(&a, AF_INET, port_of(server));

	expect_fails(bind(fd, &a.any, size), EADDRINUSE);
	close(server);
	expect_eq(bind(fd, &a.any, size), 0);
	close(fd);
	expect_fails(dial(AF_INET, ntohs(a.in.sin_port)), ECONNREFUSED);

	/* The end that closes first keeps the port for a while: SO_REUSEADDR. */
	server = listener(AF_INET);
	fds[0] = dial(AF_INET, port_of(server));
	fds[1] = accept(server, NULL, NULL);
	size = loopback(&a, AF_INET, port_of(server));
	close(server);
	close_both((int[]){fds[1], fds[0]});
	server = socket(AF_INET, SOCK_STREAM, 0);
	expect_fails(bind(server, &a.any, size), EADDRINUSE);
	close(server);
	server = socket(AF_INET, SOCK_STREAM, 0);
	expect_eq(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
	expect_eq(bind(server, &a.any, size), 0);
	expect_eq(listen(server, 1), 0);
	close(server);
	verdict("EADDRINUSE, SO_REUSEADDR, ECONNREFUSED");
}

/* Of the ports that connect takes in turn, the one that it wants to reach is one. */
static void test_itself(void)
{
	enum { PORTS = 0x4000 };
	int fd = bound(AF_INET, SOCK_STREAM), port = port_of(fd), refused = 0;
	union address a;
	socklen_t size = loopback(&a, AF_INET, port);

	expect_fails(connect(fd, &a.any, size), ECONNREFUSED);
	close(fd);
	while (refused < PORTS && dial(AF_INET, port) < 0 && errno == ECONNREFUSED)
		refused++;
	expect_eq(refused, PORTS);
	verdict("nobody is connected to itself");
}

/* ---- Random numbers ------------------------------------------------------------------------- */

static int ones(const uint8_t *bytes, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += __builtin_popcount(bytes[i]);
	return sum;
}

/* Two texts of 256 bytes differ in 1,024 bits, give or take 23: ten times that is never seen. */
static void test_entropy(void)
{
	enum { N = 256, HALF = N * 8 / 2, SPREAD = 230 };
	static uint8_t a[N + 1], b[N];

	a[N] = 0x5a;
	expect_eq(getentropy(a, N), 0);
	expect_eq(getentropy(b, N), 0);
	expect_eq(a[N], 0x5a);
	expect(abs(ones(a, N) - HALF) < SPREAD && abs(ones(b, N) - HALF) < SPREAD);
	for (int i = 0; i < N; i++)
		b[i] ^= a[i];
	expect(abs(ones(b, N) - HALF) < SPREAD);
	memset(b, 0, sizeof b);
	for (int i = 0; i < 4; i++) { /* odd sizes; none is left out, nothing behind is touched */
		expect_eq(getentropy(b, 33), 0);
		expect(ones(b, 33) > 60 && !ones(b + 33, N - 33));
	}
	expect_eq(getentropy(b, 0), 0);
	expect_fails(getentropy(b, N + 1), EIO);
	verdict("getentropy");
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void test_nonblocking_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = -1, server;
	union address a;
	socklen_t size = loopback(&a, AF_INET, 9), error_size = sizeof error;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	/* Refused: at once, or as poll and SO_ERROR tell. */
	if (connect(fd, &a.any, size) == -1 && errno == EINPROGRESS) {
		expect_eq(poll(&p, 1, 5000), 1);
		expect_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size), 0);
		expect_eq(error, ECONNREFUSED);
	} else {
		expect_eq(errno, ECONNREFUSED);
	}
	close(fd);
	server = listener(AF_INET);
	size = loopback(&a, AF_INET, port_of(server));
	fd = p.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	expect(connect(fd, &a.any, size) == 0 || errno == EINPROGRESS);
	expect_eq(poll(&p, 1, 5000), 1);
	expect_eq(p.revents, POLLOUT);
	expect_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size), 0);
	expect_eq(error, 0);
	close_both((int[]){fd, server});
	verdict("connect without waiting");
}

static void test_write_timeout(void)
{
	static char data[1000000];
	int fds[2];
	uint64_t start;
	ssize_t n;

	connection(AF_INET, fds);
	set_limit(fds[0], SO_SNDTIMEO, 30);
	start = time_now();
	n = write(fds[0], data, sizeof data);
	expect(n > 0 && n < (ssize_t)sizeof data);
	expect(time_now() - start >= 30 * NSEC_PER_MSEC);
	/* On a machine that is slow the first may have ended before nothing more went. */
	while ((n = write(fds[0], data, sizeof data)) > 0)
		expect(n < (ssize_t)sizeof data);
	expect(n == -1 && errno == EAGAIN);
	close_both(fds);
	verdict("SO_SNDTIMEO ends write");
}

static void test_poll_many(void)
{
	enum { N = 100 };
	static struct pollfd p[2 * N + 2];
	static int fds[N][2];
	fd_set read, write;

	for (int i = 0; i < N; i++) {
		connection(AF_INET, fds[i]);
		p[2 * i] = (struct pollfd){.fd = fds[i][0], .events = POLLIN};
		p[2 * i + 1] = (struct pollfd){.fd = fds[i][1], .events = POLLIN};
	}
	p[2 * N] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = POLLIN};
	p[2 * N + 1] = (struct pollfd){.fd = fds[0][0], .events = 0};
	expect_eq(poll(p, 2 * N + 2, 10), 0);
	expect_eq(p[2 * N].revents, 0);
	expect_eq(send(fds[77][0], "x", 1, 0), 1);
	expect_eq(poll(p, 2 * N + 2, 5000), 1);
	expect_eq(p[2 * 77 + 1].revents, POLLIN);
	p[0].fd = 60000;
	expect_eq(poll(p, 2 * N + 2, -1), 2);
	expect_eq(p[0].revents, POLLNVAL);

	FD_ZERO(&read);
	FD_ZERO(&write);
	FD_SET(fds[77][1], &read);
	FD_SET(fds[76][1], &read);
	FD_SET(fds[76][1], &write);
	expect_eq(select(fds[77][1] + 1, &read, &write, NULL, NULL), 2);
	expect(FD_ISSET(fds[77][1], &read) && !FD_ISSET(fds[76][1], &read));
	FD_SET(900, &read);
	expect_fails(select(901, &read, NULL, NULL, NULL), EBADF);
	for (int i = 0; i < N; i++)
		close_both(fds[i]);
	verdict("poll and select over many");
}

static void test_no_descriptor(void)
{
	enum { CLIENTS = 3 };
	static int copies[1 << 16];
	int server = listener(AF_INET), clients[CLIENTS], n = 0, fd;
	struct pollfd p = {.fd = server, .events = POLLIN};
	char c;

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = dial(AF_INET, port_of(server));
		c = (char)('a' + i);
		expect_eq(write(clients[i], &c, 1), 1);
	}
	for (int i = 0; i < CLIENTS; i++) {
		while ((copies[n] = dup(server)) >= 0)
			n++;
		expect_fails(accept(server, NULL, NULL), EMFILE);
		expect_fails(accept(server, NULL, NULL), EMFILE);
		expect_eq(poll(&p, 1, 0), 1);
		close(copies[--n]);
		fd = accept(server, NULL, NULL);
		expect_eq(read(fd, &c, 1), 1);
		expect_eq(c, 'a' + i);
		expect_eq(write(fd, &c, 1), 1);
		expect_eq(read(clients[i], &c, 1), 1);
		close_both((int[]){fd, clients[i]});
	}
	while (n > 0)
		close(copies[--n]);
	close(server);
	verdict("without a descriptor clients wait in the queue, first come first served");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 17);
	test_udp(AF_INET);
	test_udp(AF_INET6);
	test_udp_large();
	test_both_families();
	test_text();
	test_names();
	test_kinds();
	test_no_socket();
	test_states();
	test_in_use();
	test_itself();
	test_entropy();
	test_nonblocking_connect();
	test_write_timeout();
	test_poll_many();
	test_no_descriptor();
	until_alone();
	verdict("nobody is left");
	return test_end();
}
