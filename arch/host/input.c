/*
 * Reading what is not a socket: a pipe, a terminal, a file. The descriptor may be shared with other
 * processes (standard input is, with the shell), so O_NONBLOCK is not for us to set: whether a read
 * would wait is asked first, and the coroutine waits for epoll's edge. Between the answer and the
 * read no other coroutine may take what there is; other processes that read the same input may
 * still.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <vole/time.h>

#include "arch/host/net.h"

#define TENTH_OF_A_SECOND (100 * NSEC_PER_MSEC)

/* A terminal that gives bytes, not lines: how many at least, and for how long it waits for them. */
struct terminal {
	bool raw;
	unsigned least;
	uint64_t
		limit; /* ns; of the whole if least is 0, otherwise of the time between bytes; 0: none */
};

static struct terminal terminal_of(int fd)
{
	struct termios t; /* the system call writes less than it has */

	if (host_call(SYS_ioctl, fd, TCGETS, (long)&t, 0, 0, 0) || t.c_lflag & ICANON)
		return (struct terminal){.raw = false};
	return (struct terminal){true, t.c_cc[VMIN], t.c_cc[VTIME] * TENTH_OF_A_SECOND};
}

static bool has_input(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return host_call(SYS_poll, (long)&p, 1, 0, 0, 0, 0) != 0;
}

static bool cancelled(int fd)
{
	struct stat st;

	return wait_cancelled() &&
	       !(host_call(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) == 0 && S_ISREG(st.st_mode));
}

static long waiting(int fd)
{
	int n = 0;

	host_call(SYS_ioctl, fd, FIONREAD, (long)&n, 0, 0, 0);
	return n;
}

/* As much as a terminal that counts the time between bytes gives together: until there are so many,
 * or none has come for so long. */
static void wait_for_more(int fd, long wanted, uint64_t limit)
{
	long before = 0, now;

	while ((now = waiting(fd)) < wanted && now > before && time_sleep(limit) == 0)
		before = now;
}

/* Reads, unless that would wait: then *waits says so. */
static long try_read(int fd, const struct iovec *parts, int count, const struct terminal *t,
		     bool *waits)
{
	struct iovec first = *parts;
	long there;

	*waits = !has_input(fd) && !(host_call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_NONBLOCK) &&
		 !(t->raw && !t->least && !t->limit);
	if (*waits)
		return 0;
	if (t->raw && t->limit && (there = waiting(fd)) > 0) {
		/* Linux would wait for what comes behind that. */
		if ((size_t)there < first.iov_len)
			first.iov_len = (size_t)there;
		return host_call(SYS_readv, fd, (long)&first, 1, 0, 0, 0);
	}
	return host_call(SYS_readv, fd, (long)parts, count, 0, 0, 0);
}

long net_read_other(int fd, const struct iovec *parts, int count)
{
	struct endpoint *e = net_any(fd);
	struct terminal t = terminal_of(fd);
	uint64_t deadline = t.raw && !t.least && t.limit ? arch_clock() + t.limit : TIME_NEVER;

	while (count > 1 && !parts->iov_len) {
		parts++;
		count--;
	}
	if (!e || count < 1 || !parts->iov_len)
		return host_call(SYS_readv, fd, (long)parts, count, 0, 0, 0);
	if (cancelled(fd))
		return -ECANCELED;
	for (;;) {
		struct net_watch watch = {.endpoint = e,
					  .seen = atomic_load(&e->edges),
					  .other = true,
					  .events = EPOLLIN};
		bool waits;
		long n;

		if (t.raw && t.least > 1 && t.limit)
			wait_for_more(fd, t.least < parts->iov_len ? t.least : (long)parts->iov_len,
				      t.limit);
		mutex_lock(&e->reading);
		n = try_read(fd, parts, count, &t, &waits);
		mutex_unlock(&e->reading);
		if (!waits)
			return n;
		n = net_wait(&watch, 1, deadline);
		if (n)
			return n == -ETIMEDOUT ? 0 : n;
	}
}
