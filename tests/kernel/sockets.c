/* TCP over the loopback: what comes is what was sent, every wait ends, every misuse has its error. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "sockets.h"

/* ---- Data ----------------------------------------------------------------------------------- */

enum { LARGE = 1000 * 1000 };

static unsigned char pattern(size_t i, int seed)
{
	return (unsigned char)(i * 31 + i / 251 + (size_t)seed * 7);
}

struct stream {
	int fd, seed;
	size_t size;
};

static void send_stream(void *arg)
{
	const struct stream *s = arg;
	unsigned char buf[3000];
	uint32_t random = (uint32_t)s->seed + 1;

	for (size_t at = 0; at < s->size;) {
		size_t n = 1 + test_random(&random) % sizeof buf;

		n = n < s->size - at ? n : s->size - at;
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(at + i, s->seed);
		expect_eq(write(s->fd, buf, n), n);
		at += n;
	}
	expect_eq(shutdown(s->fd, SHUT_WR), 0);
}

static void receive_stream(void *arg)
{
	const struct stream *s = arg;
	unsigned char buf[5000];
	uint32_t random = (uint32_t)s->seed + 99;
	size_t at = 0, wrong = 0;
	ssize_t n;

	while ((n = read(s->fd, buf, 1 + test_random(&random) % sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			wrong += buf[i] != pattern(at, s->seed);
	expect_eq(n, 0);
	expect_eq(at, s->size);
	expect_eq(wrong, 0);
}

static void test_both_ways(int family)
{
	struct waitgroup wg = {0};
	int fds[2];

	connection(family, fds);

	struct stream streams[] = {{fds[0], 1, LARGE},
				   {fds[1], 1, LARGE},
				   {fds[1], 2, LARGE},
				   {fds[0], 2, LARGE}};

	for (int i = 0; i < 4; i++)
		waitgroup_go(&wg, i % 2 ? receive_stream : send_stream, &streams[i]);
	waitgroup_wait(&wg);
	close_both(fds);
	verdict("a megabyte each way at the same time, IPv%d", family == AF_INET ? 4 : 6);
}

static void test_half_close(void)
{
	int fds[2];
	char buf[10];

	connection(AF_INET, fds);
	expect_eq(write(fds[0], "question", 8), 8);
	expect_eq(shutdown(fds[0], SHUT_WR), 0);
	expect_fails(write(fds[0], "x", 1), EPIPE);
	expect_eq(read(fds[1], buf, sizeof buf), 8);
	expect_eq(read(fds[1], buf, sizeof buf), 0);
	expect_eq(read(fds[1], buf, sizeof buf), 0);
	expect_eq(write(fds[1], "answer", 6), 6);
	expect_eq(close(fds[1]), 0);
	expect_eq(read(fds[0], buf, sizeof buf), 6);
	expect_eq(read(fds[0], buf, sizeof buf), 0);
	close(fds[0]);

	connection(AF_INET6, fds);
	expect_eq(shutdown(fds[0], SHUT_RD), 0);
	expect_eq(read(fds[0], buf, sizeof buf), 0);
	expect_eq(write(fds[0], "heard", 5), 5);
	expect_eq(read(fds[1], buf, sizeof buf), 5);
	close_both(fds);
	verdict("each direction ends by itself");
}

static void test_parts(void)
{
	char a[3] = "", b[4] = "", c[8] = "";
	struct iovec out[] = {{"one", 3}, {"", 0}, {"two", 3}, {"three", 5}};
	struct iovec in[] = {{a, 2}, {b, 3}, {c, 6}};
	struct msghdr message = {.msg_iov = out, .msg_iovlen = 4};
	int fds[2], n = 0;

	connection(AF_INET, fds);
	expect_eq(writev(fds[0], out, 4), 11);
	expect_eq(read(fds[1], c, 0), 0);
	expect_eq(recv(fds[1], c, 5, MSG_PEEK), 5); /* waits until it has come */
	expect(!memcmp(c, "onetw", 5));
	expect_eq(ioctl(fds[1], FIONREAD, &n), 0);
	expect_eq(n, 11);
	expect_eq(readv(fds[1], in, 3), 11);
	expect(!memcmp(a, "on", 2) && !memcmp(b, "etw", 3) && !memcmp(c, "othree", 6));
	expect_eq(sendmsg(fds[0], &message, 0), 11);
	message.msg_iov = in;
	message.msg_iovlen = 3;
	expect_eq(recvmsg(fds[1], &message, MSG_WAITALL), 11);
	expect(!memcmp(c, "othree", 6));
	expect_eq(ioctl(fds[1], FIONREAD, &n), 0);
	expect_eq(n, 0);
	close_both(fds);
	verdict("readv, writev, sendmsg, recvmsg, MSG_PEEK, FIONREAD");
}

static void write_piecewise(void *arg)
{
	for (int i = 0; i < 10; i++) {
		expect_eq(write(*(int *)arg, "0123456789", 10), 10);
		time_sleep(NSEC_PER_MSEC);
	}
}

static void test_wait_all(void)
{
	char buf[100];
	int fds[2];

	connection(AF_INET, fds);
	expect_eq(go(write_piecewise, &fds[0]), 0);
	expect_eq(recv(fds[1], buf, sizeof buf, MSG_WAITALL), 100);
	until_alone();
	expect_eq(write(fds[0], "rest", 4), 4);
	close(fds[0]);
	expect_eq(recv(fds[1], buf, sizeof buf, MSG_WAITALL), 4);
	close(fds[1]);
	verdict("MSG_WAITALL waits for all, or the end");
}

/* ---- The end -------------------------------------------------------------------------------- */

static int closing_fd, closing_server;

static void wait_in_read(void *unused)
{
	char c;

	expect_fails(read(closing_fd, &c, 1), EBADF);
}

static void wait_in_write(void *unused)
{
	static char buf[10000];
	ssize_t n;

	while ((n = write(closing_fd, buf, sizeof buf)) > 0)
		;
	expect(n == -1 && errno == EBADF);
}

static void wait_in_accept(void *unused)
{
	expect_fails(accept(closing_server, NULL, NULL), EBADF);
}

static void wait_in_poll(void *unused)
{
	struct pollfd p = {.fd = closing_fd, .events = POLLIN};

	expect_eq(poll(&p, 1, -1), 1);
	expect_eq(p.revents, POLLNVAL);
}

static void test_close_ends_waits(void)
{
	go_fn *const waits[] = {wait_in_read, wait_in_write, wait_in_accept, wait_in_poll};
	struct waitgroup ended = {0};
	int fds[2];

	for (int i = 0; i < 4; i++) {
		connection(AF_INET, fds);
		closing_fd = fds[0];
		closing_server = listener(AF_INET);
		expect_eq(waitgroup_go(&ended, waits[i], NULL), 0);
		until_parked(1);
		close(closing_server);
		close(closing_fd);
		waitgroup_wait(&ended);
		close(fds[1]);
	}
	verdict("close ends the waits of others");
}

static void write_until_closed(void *arg)
{
	static char data[100000];
	int fd = (int)(intptr_t)arg;
	ssize_t n;

	while ((n = write(fd, data, sizeof data)) > 0)
		;
	expect_eq(n, -1);
	expect_eq(errno, EBADF);
}

static void read_until_closed(void *arg)
{
	char data[1000];

	while (read((int)(intptr_t)arg, data, sizeof data) > 0)
		;
}

/* Whoever is in a call, or between two, when a socket is closed, hears that it is. */
static void test_close_while_used(void)
{
	int fds[2];

	for (int i = 0; i < 100; i++) {
		connection(AF_INET, fds);
		for (int writers = 0; writers < 4; writers++)
			go(write_until_closed, (void *)(intptr_t)fds[0]);
		go(read_until_closed, (void *)(intptr_t)fds[1]);
		for (int turns = i % 10; turns; turns--)
			go_yield();
		close(fds[0]);
		until_alone();
		close(fds[1]);
	}
	verdict("close while others use the socket");
}

static void test_reset(void)
{
	struct linger at_once = {.l_onoff = 1};
	struct pollfd p = {.events = POLLIN};
	int fds[2], error = 0;
	socklen_t size = sizeof error;
	char buf[10];

	/* With what it had received unread, and without. */
	for (int unread = 0; unread < 2; unread++) {
		connection(AF_INET, fds);
		if (unread) {
			expect_eq(write(fds[0], "x", 1), 1);
			expect_eq(recv(fds[1], buf, 1, MSG_PEEK), 1); /* it has come */
		} else {
			setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		}
		close(fds[1]);
		p.fd = fds[0];
		expect_eq(poll(&p, 1, 5000), 1);
		expect(p.revents & POLLERR);
		expect_fails(read(fds[0], buf, 10), ECONNRESET);
		expect_eq(read(fds[0], buf, 10), 0);
		expect_fails(write(fds[0], buf, 10), EPIPE);
		close(fds[0]);
	}
	connection(AF_INET, fds);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fds[1]);
	p.fd = fds[0];
	expect_eq(poll(&p, 1, 5000), 1);
	expect_eq(getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &error, &size), 0);
	expect_eq(error, ECONNRESET);
	expect_eq(getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &error, &size), 0);
	expect_eq(error, 0);
	close(fds[0]);
	verdict("a reset is told once; then there is the end");
}

/* More than there is room for, to a socket that has gone: the reset comes while it is being sent. */
static void test_reset_while_sending(void)
{
	static char data[3000000];
	int fds[2];

	connection(AF_INET, fds);
	close(fds[1]);
	while (write(fds[0], data, sizeof data) > 0)
		;
	expect(errno == ECONNRESET || errno == EPIPE);
	close(fds[0]);
	verdict("a reset that comes while a socket sends");
}

static void read_slowly(void *arg)
{
	char buf[4000];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(*(int *)arg, buf, sizeof buf)) > 0)
		sum += (size_t)n;
	expect_eq(sum, 300000);
}

static void test_linger(void)
{
	static char data[300000];
	struct linger wait = {.l_onoff = 1, .l_linger = 20};
	int fds[2];

	connection(AF_INET, fds);
	expect_eq(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &wait, sizeof wait), 0);
	expect_eq(go(read_slowly, &fds[1]), 0);
	expect_eq(write(fds[0], data, sizeof data), sizeof data);
	expect_eq(close(fds[0]), 0);
	until_alone();
	close(fds[1]);
	verdict("SO_LINGER, and data that is sent after close");
}

/* ---- Many ----------------------------------------------------------------------------------- */

enum { MANY = 1000 };

static void echo(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[64];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		expect_eq(write(fd, buf, (size_t)n), n);
	close(fd);
}

static void serve(void *arg)
{
	for (int i = 0; i < MANY; i++) {
		int fd = accept(*(int *)arg, NULL, NULL);

		expect(fd >= 0);
		expect_eq(go(echo, (void *)(intptr_t)fd), 0);
	}
}

static void test_many(void)
{
	static int fds[MANY];
	struct runtime_stats before, after;
	int server = listener(AF_INET);
	char buf[16], back[16];

	runtime_stats(&before);
	expect_eq(go(serve, &server), 0);
	for (int i = 0; i < MANY; i++)
		fds[i] = dial(AF_INET, port_of(server));
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			int n = snprintf(buf, sizeof buf, "%d.%d", round, i);

			expect_eq(write(fds[i], buf, (size_t)n), n);
			expect_eq(recv(fds[i], back, (size_t)n, MSG_WAITALL), n);
			expect(!memcmp(buf, back, (size_t)n));
		}
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	until_alone();
	close(server);
	runtime_stats(&after);
	/* What is left waits for lost packets to pass away (TIME-WAIT): a few hundred bytes. */
	expect(after.heap_bytes < before.heap_bytes + MANY * 600);
	verdict("%d connections at the same time", MANY);
}

/* ---- Options, errors ------------------------------------------------------------------------ */

static void test_options(void)
{
	int fds[2], one = 1, value = 0, server;
	struct timeval tv = {.tv_sec = 1, .tv_usec = 500000}, back;
	socklen_t size = sizeof value, tv_size = sizeof back;
	struct stat st;

	connection(AF_INET, fds);
	expect_eq(setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
	expect_eq(getsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
	expect_eq(value, 1);
	expect_eq(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &value, &size), 0);
	expect_eq(value, SOCK_STREAM);
	expect_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
	expect_eq(getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &back, &tv_size), 0);
	expect(back.tv_sec == 1 && back.tv_usec == 500000);
	expect_eq(setsockopt(fds[0], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one), 0);
	expect_eq(setsockopt(fds[0], IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof one), 0);
	expect_fails(setsockopt(fds[0], SOL_SOCKET, 9999, &one, sizeof one), ENOPROTOOPT);
	expect_fails(setsockopt(fds[0], SOL_SOCKET, SO_REUSEADDR, &one, 1), EINVAL);
	expect_fails(setsockopt(fds[0], SOL_SOCKET, SO_REUSEADDR, NULL, 4), EFAULT);
	expect_eq(fstat(fds[0], &st), 0);
	expect(S_ISSOCK(st.st_mode));
	expect_fails(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	expect_eq(isatty(fds[0]), 0);
	close_both(fds);
	server = listener(AF_INET);
	expect_eq(getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &value, &size), 0);
	expect_eq(value, 1);
	close(server);
	verdict("options");
}

static void test_dup(void)
{
	int fds[2], again;
	char c;

	connection(AF_INET, fds);
	again = dup(fds[0]);
	expect(again >= 0);
	expect_eq(close(fds[0]), 0);
	expect_eq(write(again, "x", 1), 1);
	expect_eq(read(fds[1], &c, 1), 1);
	expect_eq(dup2(fds[1], again), again); /* closes the other end */
	expect_eq(read(again, &c, 1), 0);
	close(again);
	close(fds[1]);
	verdict("a connection ends with its last descriptor");
}

/* Timers go off every few microseconds, at any point of a call. */
static void test_poll_among_interrupts(void)
{
	uint64_t end = time_now() + 200 * NSEC_PER_MSEC, quantum = runtime_set_quantum(10000);
	struct ticker ticker;
	struct pollfd p = {.events = POLLIN};
	int fds[2];

	connection(AF_INET, fds);
	p.fd = fds[0];
	expect_eq(ticker_start(&ticker, 20000), 0);
	for (int n = 0; n == 0 && time_now() < end;) {
		n = poll(&p, 1, 0);
		expect_eq(n, 0);
	}
	ticker_stop(&ticker);
	runtime_set_quantum(quantum);
	close(fds[0]);
	close(fds[1]);
	verdict("poll says that nothing is there, whatever interrupts it");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 15);
	test_both_ways(AF_INET);
	test_both_ways(AF_INET6);
	test_half_close();
	test_parts();
	test_wait_all();
	test_close_ends_waits();
	test_close_while_used();
	test_reset();
	test_reset_while_sending();
	test_linger();
	test_many();
	test_options();
	test_dup();
	test_poll_among_interrupts();
	until_alone();
	verdict("nobody is left");
	return test_end();
}
