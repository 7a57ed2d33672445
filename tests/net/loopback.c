/* Sockets as programs use them, over the loopback: waiting, deadlines, cancellation, poll, select. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../kernel/test.h"

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof addr;

	return getsockname(fd, (struct sockaddr *)&addr, &len) ? -1 : ntohs(addr.sin_port);
}

/* Bound to any port; TCP listens. */
static int bound(int type)
{
	struct sockaddr_in addr = at(0);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) ||
	    (type == SOCK_STREAM && listen(fd, 64)))
		runtime_panic("no socket: %s", strerror(errno));
	return fd;
}

static int dial(int port)
{
	struct sockaddr_in addr = at(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return fd;

	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* A connection with itself. */
static void make_pair(int fds[2])
{
	int server = bound(SOCK_STREAM);

	fds[0] = dial(port_of(server));
	fds[1] = accept(server, NULL, NULL);
	close(server);
	if (fds[0] < 0 || fds[1] < 0)
		runtime_panic("no connection: %s", strerror(errno));
}

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void set_limit(int fd, int option, int ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	expect_eq(setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit), 0);
}

/* ---- Many ---- */

static void echo(void *arg)
{
	int fd = *(int *)arg;
	char buf[100];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		expect_eq(write(fd, buf, (size_t)n), n);
	close(fd);
}

static void serve(void *arg)
{
	int server = *(int *)arg, fd;

	while ((fd = accept(server, NULL, NULL)) >= 0)
		expect_eq(go_copy(echo, &fd, sizeof fd), 0);
}

static int many_port;

static void talk(void *arg)
{
	int fd = dial(many_port), who = (int)(intptr_t)arg;
	char out[100], in[100];

	expect(fd >= 0);
	for (int i = 0; i < amount(10); i++) {
		int n = snprintf(out, sizeof out, "%d says %d", who, i), got = 0;
		ssize_t more;

		expect_eq(write(fd, out, (size_t)n), n);
		while (got < n && (more = read(fd, in + got, (size_t)(n - got))) > 0)
			got += (int)more;
		expect(got == n && !memcmp(in, out, (size_t)n));
	}
	close(fd);
}

static void test_many(void)
{
	enum { MANY = 50 };
	int server = bound(SOCK_STREAM);
	struct waitgroup wg = {0};

	many_port = port_of(server);
	expect_eq(go_copy(serve, &server, sizeof server), 0);
	for (int i = 0; i < MANY; i++)
		expect_eq(waitgroup_go(&wg, talk, (void *)(intptr_t)i), 0);
	waitgroup_wait(&wg);
	close(server); /* ends accept */
	until_alone();
	verdict("%d connections at once", MANY);
}

/* ---- Large ---- */

enum { LARGE = 300 * 1000 };

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

static void send_large(void *arg)
{
	unsigned char *data = malloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		data[i] = pattern(i);
	expect_eq(write(*(int *)arg, data, LARGE), LARGE);
	shutdown(*(int *)arg, SHUT_WR);
	free(data);
}

static void test_large(void)
{
	unsigned char buf[4000];
	size_t got = 0;
	ssize_t n;
	int fds[2];

	make_pair(fds);
	expect_eq(go(send_large, &fds[0]), 0);
	while ((n = read(fds[1], buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++, got++)
			if (buf[i] != pattern(got))
				expect_eq(got, -1);
	expect_eq(got, LARGE);
	expect_eq(n, 0);
	until_alone();
	close_pair(fds);
	verdict("a blocking write sends all of it; then the end of file is read");
}

/* ---- Deadlines ---- */

static void test_deadlines(void)
{
	int fds[2], server = bound(SOCK_STREAM);
	uint64_t start = time_now();
	char c;

	make_pair(fds);
	set_limit(fds[0], SO_RCVTIMEO, 30);
	expect_eq(read(fds[0], &c, 1), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	expect(time_now() - start >= 30 * NSEC_PER_MSEC);
	expect_eq(write(fds[1], "x", 1), 1);
	expect_eq(read(fds[0], &c, 1), 1);
	set_limit(fds[0], SO_RCVTIMEO, 0);
	expect_eq(write(fds[1], "y", 1), 1);
	expect_eq(read(fds[0], &c, 1), 1);
	set_limit(server, SO_RCVTIMEO, 30);
	expect_eq(accept(server, NULL, NULL), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	close_pair(fds);
	close(server);
	verdict("SO_RCVTIMEO ends read and accept, not before its time");
}

/* ---- Not blocking ---- */

static void test_nonblocking(void)
{
	int fds[2], server = bound(SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in addr = at(port_of(server));
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	char buf[1000] = {0};
	long sent = 0;
	ssize_t n;

	make_pair(fds);
	expect_eq(fcntl(fds[0], F_GETFL, 0) & O_NONBLOCK, 0);
	expect_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	expect_eq(fcntl(fds[0], F_GETFL, 0) & O_NONBLOCK, O_NONBLOCK);
	expect_eq(read(fds[0], buf, 1), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	expect_eq(recv(fds[1], buf, 1, MSG_DONTWAIT), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	while ((n = write(fds[0], buf, sizeof buf)) > 0)
		sent += n;
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	for (long got = 0; got < sent; got += n)
		if ((n = read(fds[1], buf, sizeof buf)) <= 0)
			break;
	expect(n > 0);

	expect_eq(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	expect_eq(accept(server, NULL, NULL), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	expect_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 || errno == EINPROGRESS);
	expect_eq(poll(&p, 1, 5000), 1);
	expect(p.revents & POLLOUT);
	close(fd);
	close_pair(fds);
	close(server);
	verdict("O_NONBLOCK and MSG_DONTWAIT: EAGAIN; connect goes on by itself");
}

/* ---- poll, select ---- */

static void write_later(void *arg)
{
	time_sleep(20 * NSEC_PER_MSEC);
	expect_eq(write((int)(intptr_t)arg, "x", 1), 1);
}

static void test_poll(void)
{
	int a[2], b[2];
	char c;

	make_pair(a);
	make_pair(b);

	struct pollfd p[] = {{.fd = a[0], .events = POLLIN}, {.fd = b[0], .events = POLLIN}};

	expect_eq(poll(p, 2, 0), 0);
	uint64_t start = time_now();
	expect_eq(poll(p, 2, 20), 0);
	expect(time_now() - start >= 20 * NSEC_PER_MSEC);
	expect_eq(go(write_later, (void *)(intptr_t)b[1]), 0);
	expect_eq(poll(p, 2, -1), 1);
	expect(p[0].revents == 0 && p[1].revents == POLLIN);
	p[0].events |= POLLOUT;
	expect_eq(poll(p, 2, -1), 2);
	expect_eq(read(b[0], &c, 1), 1);
	p[0].events = POLLIN;
	close(a[1]);
	expect_eq(poll(p, 2, 5000), 1);
	expect(p[0].revents & (POLLIN | POLLHUP));
	until_alone();
	close(a[0]);
	close_pair(b);
	verdict("poll waits for the first of several, or for its time");
}

static void test_select(void)
{
	int a[2], b[2], top;
	struct timeval soon = {.tv_usec = 20 * 1000};
	fd_set in, out;

	make_pair(a);
	make_pair(b);
	top = (a[0] > b[0] ? a[0] : b[0]) + 1;
	FD_ZERO(&in);
	FD_SET(a[0], &in);
	FD_SET(b[0], &in);
	uint64_t start = time_now();
	expect_eq(select(top, &in, NULL, NULL, &soon), 0);
	expect(time_now() - start >= 20 * NSEC_PER_MSEC);
	expect(!FD_ISSET(a[0], &in) && !FD_ISSET(b[0], &in));
	FD_SET(a[0], &in);
	FD_SET(b[0], &in);
	expect_eq(go(write_later, (void *)(intptr_t)a[1]), 0);
	expect_eq(select(top, &in, NULL, NULL, NULL), 1);
	expect(FD_ISSET(a[0], &in) && !FD_ISSET(b[0], &in));
	FD_ZERO(&out);
	FD_SET(b[0], &out);
	expect_eq(select(top, &in, &out, NULL, NULL), 2);
	until_alone();
	close_pair(a);
	close_pair(b);
	verdict("select");
}

/* ---- Cancellation ---- */

/* One more coroutine waits than before. */
static void until_waits(size_t before)
{
	uint64_t start = time_now();

	size_t now;

	while ((now = parked()) <= before && patience(start)) {
		before = now; /* one that was about to end has ended */
		go_yield();
	}
	expect(now > before);
}

static int quiet[2], quiet_server;

static int cancelled(long result)
{
	expect_eq(result, -1);
	expect_eq(errno, ECANCELED);
	return 0;
}

static int do_read(void *unused)
{
	char c;
	return cancelled(read(quiet[0], &c, 1));
}

static int do_write(void *unused)
{
	char buf[1000] = {0};
	ssize_t n;

	while ((n = write(quiet[0], buf, sizeof buf)) == sizeof buf)
		;
	return n >= 0 ? 0 : cancelled(n);
}

static int do_accept(void *unused)
{
	return cancelled(accept(quiet_server, NULL, NULL));
}

static int do_poll(void *unused)
{
	struct pollfd p = {.fd = quiet[0], .events = POLLIN};
	return cancelled(poll(&p, 1, -1));
}

static int do_select(void *unused)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(quiet[0], &in);
	return cancelled(select(quiet[0] + 1, &in, NULL, NULL, NULL));
}

static int do_early(void *arg)
{
	while (!group_error(arg))
		go_yield();
	return cancelled(write(quiet[0], "x", 1)); /* which could be served */
}

static void test_cancel(void)
{
	static int (*const calls[])(void *) = {do_read, do_write,  do_accept,
					       do_poll, do_select, do_early};
	enum { CALLS = sizeof calls / sizeof *calls };
	struct group g;

	quiet_server = bound(SOCK_STREAM);
	for (int i = 0; i < CALLS; i++) {
		make_pair(quiet);
		group_init(&g, TIME_NEVER);
		until_alone(); /* or before counts one that is about to end */

		size_t before = parked();

		expect_eq(group_go(&g, calls[i], &g), 0);
		if (calls[i] != do_early)
			until_waits(before);
		group_cancel(&g, -EIO);
		expect_eq(group_wait(&g), -EIO);
		close_pair(quiet);
	}
	close(quiet_server);
	verdict("the end of a group ends waiting: ECANCELED");
}

/* ---- Errors ---- */

static void read_until_closed(void *arg)
{
	char c;

	expect(read(*(int *)arg, &c, 1) <= 0);
}

static void test_errors(void)
{
	int fds[2], server = bound(SOCK_STREAM), port = port_of(server);
	struct linger hard = {.l_onoff = 1};
	char c;

	close(server);
	expect_eq(dial(port), -1);
	expect_eq(errno, ECONNREFUSED);
	make_pair(fds);
	expect_eq(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
	close(fds[1]);
	expect_eq(read(fds[0], &c, 1), -1);
	expect_eq(errno, ECONNRESET);
	expect_eq(write(fds[0], "x", 1), -1);
	close(fds[0]);
	expect_eq(read(fds[0], &c, 1), -1);
	expect_eq(errno, EBADF);
	make_pair(fds);
	until_alone();

	size_t before = parked();

	expect_eq(go(read_until_closed, &fds[0]), 0);
	until_waits(before);
	close(fds[0]);
	until_alone();
	close(fds[1]);
	verdict("refused, reset, closed");
}

/* ---- UDP ---- */

static void test_udp(void)
{
	int a = bound(SOCK_DGRAM), b = bound(SOCK_DGRAM);
	struct sockaddr_in to = at(port_of(b)), from;
	socklen_t len = sizeof from;
	char buf[10];

	expect_eq(sendto(a, "one", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
	expect_eq(recvfrom(b, buf, sizeof buf, 0, (struct sockaddr *)&from, &len), 3);
	expect_eq(ntohs(from.sin_port), port_of(a));
	set_limit(b, SO_RCVTIMEO, 20);
	expect_eq(recvfrom(b, buf, sizeof buf, 0, NULL, NULL), -1);
	expect(errno == EAGAIN || errno == EWOULDBLOCK);
	close(a);
	close(b);
	verdict("UDP");
}

/* ---- Busy cores ---- */

static _Atomic bool enough;

static void hog(void *unused)
{
	while (!enough)
		;
}

static void answer(void *arg)
{
	char c;

	while (read(*(int *)arg, &c, 1) == 1)
		expect_eq(write(*(int *)arg, &c, 1), 1);
}

static void test_busy(void)
{
	int fds[2];
	char c;

	make_pair(fds);
	expect_eq(go(answer, &fds[1]), 0);
	for (int i = 0; i < 2 * runtime_cores(); i++)
		expect_eq(go(hog, NULL), 0);
	for (int i = 0; i < 10; i++) {
		expect_eq(write(fds[0], "x", 1), 1);
		expect_eq(read(fds[0], &c, 1), 1);
	}
	enough = true;
	close(fds[0]);
	until_alone();
	close(fds[1]);
	verdict("news of sockets comes while all cores are busy");
}

/* ---- Names ---- */

static void test_names(void)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
	struct sockaddr_in *addr;

	expect_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
	addr = (struct sockaddr_in *)found->ai_addr;
	expect_eq(ntohl(addr->sin_addr.s_addr), INADDR_LOOPBACK);
	expect_eq(ntohs(addr->sin_port), 80);
	freeaddrinfo(found);
	expect_eq(getaddrinfo("localhost", NULL, &hints, &found), 0);
	addr = (struct sockaddr_in *)found->ai_addr;
	expect_eq(ntohl(addr->sin_addr.s_addr), INADDR_LOOPBACK);
	freeaddrinfo(found);
	verdict("getaddrinfo");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 11);
	test_many();
	test_large();
	test_deadlines();
	test_nonblocking();
	test_poll();
	test_select();
	test_cancel();
	test_errors();
	test_udp();
	test_busy();
	test_names();
	return test_end();
}
