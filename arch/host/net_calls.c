/*
 * The calls of an application on sockets: those of the host, but who blocks is the coroutine. The
 * linker sends calls of NAME to __wrap_NAME (arch.mk). What is not a socket goes on to the C
 * library. A call is tried; where Linux says that it would block, the coroutine waits for an edge
 * and tries again.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "arch/host/net.h"
#include "debug/panic.h"
#include "debug/trace.h"
#include "kernel/core.h"

int __real_fcntl(int fd, int cmd, long arg);
int __real_close(int fd);
int __real_dup3(int fd, int new, int flags);

int __wrap_socket(int domain, int type, int protocol);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_accept(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_readv(int fd, const struct iovec *iov, int n);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr,
			socklen_t *len);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int n);
ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t len);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
int __wrap_dup(int fd);
int __wrap_dup2(int fd, int new);
int __wrap_dup3(int fd, int new, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/* ---- Trying and waiting ---- */

/* ns: 0 is no limit. */
static uint64_t deadline_in(uint64_t ns)
{
	uint64_t now = ns ? arch_clock() : 0;

	return ns && ns < TIME_NEVER - now ? now + ns : TIME_NEVER;
}

/* After shutdown, Linux ends the wait of a blocking call for datagrams, but has others try again. */
static bool will_not_receive(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return host_poll_now(&p, 1) > 0 && p.revents & POLLRDHUP;
}

/* The system call until it does not say that it would block. */
static long until_done(struct endpoint *e, uint64_t deadline, bool blocks, long number, long a,
		       long b, long c, long d, long f, long g)
{
	long error;

	if (wait_cancelled())
		return -ECANCELED;
	error = atomic_exchange_explicit(&settings_of(e)->error, 0, memory_order_relaxed);
	if (error)
		return error;
	for (;;) {
		struct net_watch watch = {.endpoint = e, .seen = atomic_load(&e->edges)};
		long n = host_call(number, a, b, c, d, f, g);

		if (n != -EAGAIN || !blocks)
			return n;
		if (atomic_load_explicit(&settings_of(e)->datagrams, memory_order_relaxed) &&
		    (number == SYS_recvfrom || number == SYS_recvmsg) && will_not_receive((int)a))
			return 0;
		n = net_wait(&watch, 1, deadline);
		if (n)
			return n == -ETIMEDOUT ? -EAGAIN : n;
	}
}

static bool blocks(const struct endpoint *e, int flags)
{
	return !atomic_load_explicit(&settings_of(e)->nonblocking, memory_order_relaxed) &&
	       !(flags & MSG_DONTWAIT);
}

/* ---- Making and closing ---- */

int __wrap_socket(int domain, int type, int protocol)
{
	long fd = host_call(SYS_socket, domain, type | SOCK_NONBLOCK, protocol, 0, 0, 0);

	return (int)net_result(net_open(fd, type));
}

int __wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
	long error = host_call(SYS_socketpair, domain, type | SOCK_NONBLOCK, protocol, (long)fds, 0,
			       0);

	for (int i = 0; i < 2 && !error; i++)
		if (net_open(fds[i], type) < 0) {
			__wrap_close(fds[!i]);
			error = -EMFILE;
		}
	return (int)net_result(error);
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct endpoint *e = net_endpoint(fd);
	long n;

	if (!e)
		return (int)net_result(
			host_call(SYS_accept4, fd, (long)addr, (long)len, flags, 0, 0));
	trace_called("accept", fd);
	n = until_done(e, deadline_in(settings_of(e)->receive_limit), blocks(e, 0), SYS_accept4, fd,
		       (long)addr, (long)len, flags | SOCK_NONBLOCK, 0, 0);
	n = trace_returned("accept", net_open(n, SOCK_STREAM | flags));
	if (n >= 0) {
		struct settings *own = settings_of(net_endpoint((int)n));

		own->receive_limit = settings_of(e)->receive_limit;
		own->send_limit = settings_of(e)->send_limit;
	}
	return (int)net_result(n);
}

int __wrap_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return __wrap_accept4(fd, addr, len, 0);
}

/* What became of a connection that was begun: another call of connect tells, after which a socket
 * that was refused may try again. */
static long connected(int fd, struct endpoint *e, const struct sockaddr *addr, socklen_t len)
{
	uint64_t deadline = deadline_in(settings_of(e)->send_limit);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	for (;;) {
		struct net_watch watch = {.endpoint = e, .seen = atomic_load(&e->edges)};
		long n = host_poll_now(&p, 1);

		if (n < 0)
			return n;
		if (n > 0)
			return host_call(SYS_connect, fd, (long)addr, (long)len, 0, 0, 0);
		n = net_wait(&watch, 1, deadline);
		if (n)
			return n == -ETIMEDOUT ? -EINPROGRESS : n;
	}
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct endpoint *e = net_endpoint(fd);
	long n;

	if (e && wait_cancelled())
		return (int)net_result(-ECANCELED);
	n = host_call(SYS_connect, fd, (long)addr, (long)len, 0, 0, 0);
	if (n == -EINPROGRESS && e && blocks(e, 0))
		n = connected(fd, e, addr, len);
	return (int)net_result(n);
}

/*
 * What ends a descriptor. ThreadSanitizer hears of it by the C library's calls only: of one whose end it had missed,
 * the next use of the number, by another coroutine, would look like a race.
 */
#ifdef HOST_TSAN
static long end_descriptor(int fd)
{
	return __real_close(fd) ? -errno : 0;
}

static long end_and_duplicate(int fd, int new, int flags)
{
	int n = __real_dup3(fd, new, flags);

	return n < 0 ? -errno : n;
}
#else
static long end_descriptor(int fd)
{
	return host_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static long end_and_duplicate(int fd, int new, int flags)
{
	return host_call(SYS_dup3, fd, new, flags, 0, 0, 0);
}
#endif

int __wrap_close(int fd)
{
	long error = net_endpoint(fd) ? net_close(fd) : 0;

	return (int)net_result(error ? error : end_descriptor(fd));
}

/* ---- Other descriptors of a socket ---- */

/* Whoever waits for the socket that new leads to hears that it is closed. */
static long duplicate_to(int fd, int new, int flags)
{
	long n = host_call(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0);

	if (n < 0)
		return n;
	if (new >= ENDPOINTS && net_endpoint(fd))
		return -EBADF;
	if (net_endpoint(new) && net_close(new))
		return -EBUSY;
	return net_open_copy(end_and_duplicate(fd, new, flags), fd);
}

int __wrap_dup(int fd)
{
	return (int)net_result(net_open_copy(host_call(SYS_dup, fd, 0, 0, 0, 0, 0), fd));
}

int __wrap_dup2(int fd, int new)
{
	if (fd == new)
		return (int)net_result(host_call(SYS_dup2, fd, new, 0, 0, 0, 0));
	return (int)net_result(duplicate_to(fd, new, 0));
}

int __wrap_dup3(int fd, int new, int flags)
{
	if (fd == new || flags & ~O_CLOEXEC)
		return (int)net_result(-EINVAL);
	return (int)net_result(duplicate_to(fd, new, flags));
}

/* ---- Receiving ---- */

ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *addr,
			socklen_t *len)
{
	struct endpoint *e = net_endpoint(fd);
	uint64_t deadline;
	size_t got = 0;
	long n;

	if (!e)
		return net_result(host_call(SYS_recvfrom, fd, (long)buf, (long)size, flags,
					    (long)addr, (long)len));
	deadline = deadline_in(settings_of(e)->receive_limit);
	trace_called("recv", fd);
	do {
		n = until_done(e, deadline, blocks(e, flags), SYS_recvfrom, fd,
			       (long)buf + (long)got, (long)(size - got), flags, (long)addr,
			       (long)len);
		got += n > 0 ? (size_t)n : 0;
	} while (n > 0 && got < size && flags & MSG_WAITALL && blocks(e, flags));
	return net_result(trace_returned("recv", got ? (long)got : n));
}

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
	return __wrap_recvfrom(fd, buf, size, flags, NULL, NULL);
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	struct iovec part = {buf, size};

	return net_endpoint(fd) ? __wrap_recv(fd, buf, size, 0)
				: net_result(net_read_other(fd, &part, 1));
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct endpoint *e = net_endpoint(fd);

	if (!e)
		return net_result(host_call(SYS_recvmsg, fd, (long)msg, flags, 0, 0, 0));
	return net_result(until_done(e, deadline_in(settings_of(e)->receive_limit),
				     blocks(e, flags), SYS_recvmsg, fd, (long)msg, flags, 0, 0, 0));
}

ssize_t __wrap_readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

	return net_endpoint(fd) ? __wrap_recvmsg(fd, &msg, 0)
				: net_result(net_read_other(fd, iov, n));
}

/* ---- Sending: all of it, where the socket blocks; and no signal where nobody listens ---- */

/* Linux has told the error of what was sent in part, and would not again. */
static void tell_later(struct endpoint *e, long error)
{
	if (error < 0 && error != -EAGAIN && error != -ECANCELED && error != -EPIPE)
		atomic_store_explicit(&settings_of(e)->error, error, memory_order_relaxed);
}

static long send_all(int fd, struct endpoint *e, uint64_t deadline, const void *buf, size_t size,
		     int flags, const struct sockaddr *addr, socklen_t len)
{
	size_t sent = 0;
	long n;

	do {
		n = until_done(e, deadline, blocks(e, flags), SYS_sendto, fd,
			       (long)buf + (long)sent, (long)(size - sent), flags, (long)addr,
			       (long)len);
		sent += n > 0 ? (size_t)n : 0;
	} while (n > 0 && sent < size && blocks(e, flags));
	if (sent)
		tell_later(e, n);
	return sent ? (long)sent : n;
}

ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t len)
{
	struct endpoint *e = net_endpoint(fd);

	flags |= MSG_NOSIGNAL;
	if (!e)
		return net_result(host_call(SYS_sendto, fd, (long)buf, (long)size, flags,
					    (long)addr, (long)len));
	trace_called("send", fd);
	return net_result(
		trace_returned("send", send_all(fd, e, deadline_in(settings_of(e)->send_limit), buf,
						size, flags, addr, len)));
}

ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags)
{
	return __wrap_sendto(fd, buf, size, flags, NULL, 0);
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	if (net_endpoint(fd))
		return __wrap_send(fd, buf, size, 0);
	return net_result(
		net_write_other(fd, &(struct iovec){.iov_base = (void *)buf, .iov_len = size}, 1));
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct endpoint *e = net_endpoint(fd);
	size_t before = 0; /* bytes in the pieces that come before */
	uint64_t deadline;
	long sent;

	flags |= MSG_NOSIGNAL;
	if (!e)
		return net_result(host_call(SYS_sendmsg, fd, (long)msg, flags, 0, 0, 0));
	deadline = deadline_in(settings_of(e)->send_limit);
	sent = until_done(e, deadline, blocks(e, flags), SYS_sendmsg, fd, (long)msg, flags, 0, 0,
			  0);
	for (size_t i = 0; sent > 0 && i < msg->msg_iovlen && blocks(e, flags); i++) {
		const struct iovec *piece = &msg->msg_iov[i];
		size_t end = before + piece->iov_len;

		if ((size_t)sent < end) { /* what did not go at once goes piece by piece */
			long n = send_all(fd, e, deadline,
					  (char *)piece->iov_base + (sent - (long)before),
					  end - (size_t)sent, flags, NULL, 0);

			tell_later(e, n);
			sent += n > 0 ? n : 0;
			if ((size_t)sent < end)
				break;
		}
		before = end;
	}
	return net_result(sent);
}

ssize_t __wrap_writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};

	if (net_endpoint(fd))
		return __wrap_sendmsg(fd, &msg, 0);
	return net_result(net_write_other(fd, iov, n));
}

/* ---- Several at once ---- */

/* Until one is ready: how many, 0 after the deadline. */
static long poll_until(struct pollfd *fds, size_t n, uint64_t deadline, struct net_watch *watches)
{
	for (;;) {
		size_t watched = 0;

		for (size_t i = 0; i < n; i++) {
			struct endpoint *e = net_any(fds[i].fd);

			if (e)
				watches[watched++] =
					(struct net_watch){.endpoint = e,
							   .seen = atomic_load(&e->edges),
							   .other = !net_endpoint(fds[i].fd),
							   .events = (uint16_t)fds[i].events};
		}

		long ready = host_poll_now(fds, n);

		if (ready)
			return ready;

		int error = net_wait(watches, watched, deadline);

		if (error && error != -EBADF)
			return error == -ETIMEDOUT ? 0 : error;
	}
}

static long poll_for(struct pollfd *fds, size_t n, uint64_t deadline)
{
	enum { FEW = 8 };
	struct net_watch few[FEW], *watches = few;
	long ready;

	if (wait_cancelled())
		return -ECANCELED;
	if (n > FEW && !(watches = malloc(n * sizeof *watches)))
		return -ENOMEM;
	ready = poll_until(fds, n, deadline, watches);
	if (watches != few)
		free(watches);
	return ready;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	uint64_t deadline = timeout > 0    ? deadline_in((uint64_t)timeout * NSEC_PER_MSEC)
			    : timeout == 0 ? 0
					   : TIME_NEVER;

	return (int)net_result(n > ENDPOINTS ? -EINVAL : poll_for(fds, n, deadline));
}

/* The events of select's three sets, in their order; Linux's own table. */
static const short select_events[] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};

static long select_until(int n, fd_set *const sets[3], uint64_t deadline)
{
	struct pollfd *fds = calloc((size_t)n + 1, sizeof *fds);
	size_t used = 0;
	long ready, bits = 0;

	if (!fds)
		return -ENOMEM;
	for (int fd = 0; fd < n; fd++) {
		for (int s = 0; s < 3; s++)
			if (sets[s] && FD_ISSET(fd, sets[s]))
				fds[used].events |= select_events[s];
		fds[used].fd = fd;
		used += fds[used].events != 0;
	}
	ready = poll_for(fds, used, deadline);
	for (size_t i = 0; i < used && ready >= 0; i++)
		if (fds[i].revents & POLLNVAL)
			ready = -EBADF;
	for (size_t i = 0; i < used && ready >= 0; i++)
		for (int s = 0; s < 3; s++) {
			if (!sets[s] || !FD_ISSET(fds[i].fd, sets[s]))
				continue;
			if (fds[i].revents & select_events[s])
				bits++;
			else
				FD_CLR(fds[i].fd, sets[s]);
		}
	free(fds);
	return ready < 0 ? ready : bits;
}

int __wrap_select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
	fd_set *const sets[3] = {r, w, x};
	uint64_t deadline = TIME_NEVER;

	if (n < 0 || n > FD_SETSIZE || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
		return (int)net_result(-EINVAL);
	if (timeout && !timeout->tv_sec && !timeout->tv_usec)
		deadline = 0;
	else if (timeout)
		deadline = deadline_in((uint64_t)timeout->tv_sec * NSEC_PER_SEC +
				       (uint64_t)timeout->tv_usec * NSEC_PER_USEC);
	return (int)net_result(select_until(n, sets, deadline));
}

/* ---- Flags and options ---- */

int __wrap_fcntl(int fd, int cmd, ...)
{
	struct endpoint *e = net_endpoint(fd);
	va_list args;
	long arg, n;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	if (e && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
		return (int)net_result(
			net_open_copy(host_call(SYS_fcntl, fd, cmd, arg, 0, 0, 0), fd));
	if (!e || (cmd != F_GETFL && cmd != F_SETFL)) {
		host_library_begins();
		n = __real_fcntl(fd, cmd, arg);
		host_library_ends();
		return (int)n;
	}
	n = host_call(SYS_fcntl, fd, cmd, cmd == F_SETFL ? arg | O_NONBLOCK : 0, 0, 0, 0);
	if (n >= 0 && cmd == F_SETFL)
		atomic_store(&settings_of(e)->nonblocking, arg & O_NONBLOCK);
	else if (n >= 0 && !atomic_load(&settings_of(e)->nonblocking))
		n &= ~(long)O_NONBLOCK;
	return (int)net_result(n);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct endpoint *e = net_endpoint(fd);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!e || request != FIONBIO)
		return (int)net_result(host_call(SYS_ioctl, fd, (long)request, (long)arg, 0, 0, 0));
	atomic_store(&settings_of(e)->nonblocking, *(const int *)arg != 0);
	return 0;
}

/* Linux keeps the limits, for getsockopt, but it is here that they end a wait. */
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct endpoint *e = net_endpoint(fd);
	long error = host_call(SYS_setsockopt, fd, level, name, (long)value, (long)len, 0);
	struct timeval limit;

	if (e && !error && level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
		memcpy(&limit, value, sizeof limit); /* it has the size, says Linux */
		atomic_store(name == SO_RCVTIMEO ? &settings_of(e)->receive_limit
						 : &settings_of(e)->send_limit,
			     (uint64_t)limit.tv_sec * NSEC_PER_SEC +
				     (uint64_t)limit.tv_usec * NSEC_PER_USEC);
	}
	return (int)net_result(error);
}
