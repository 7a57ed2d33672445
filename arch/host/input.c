/*
 * Reading what is not a socket: a pipe, a terminal, a file; and writing to a pipe. The descriptor may be shared with other
 * processes (standard input is, with the shell), so O_NONBLOCK is not for us to set: whether a call
 * would wait is asked first, and the coroutine waits for epoll's edge. Between the answer and the
 * call no other coroutine may take what there is; other processes that use the same pipe may
 * still.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include <vole/go.h>
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

/* Also if the call would fail. */
static bool is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return host_poll_now(&p, 1) != 0;
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

	*waits = !is_ready(fd, POLLIN) &&
		 !(host_call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_NONBLOCK) &&
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

/* ---- Writing ---- */

static bool is_pipe_that_waits(int fd)
{
	struct stat st;

	return host_call(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) == 0 && S_ISFIFO(st.st_mode) &&
	       !(host_call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_NONBLOCK);
}

/* At most PIPE_BUF bytes: a pipe that has room at all takes so many. */
static long write_in_turn(struct endpoint *e, int fd, const struct iovec *parts, int count)
{
	for (;;) {
		struct net_watch watch = {.endpoint = e,
					  .seen = atomic_load(&e->edges),
					  .other = true,
					  .events = EPOLLOUT};
		long n;

		if (is_ready(fd, POLLOUT))
			return host_call(SYS_writev, fd, (long)parts, count, 0, 0, 0);
		n = net_wait(&watch, 1, TIME_NEVER);
		if (n)
			return n;
	}
}

static long write_all(struct endpoint *e, int fd, const struct iovec *parts, int count)
{
	long done = 0;

	for (int i = 0; i < count; i++) {
		for (size_t at = 0; at < parts[i].iov_len;) {
			size_t left = parts[i].iov_len - at;
			struct iovec piece = {.iov_base = (char *)parts[i].iov_base + at,
					      .iov_len = left < PIPE_BUF ? left : PIPE_BUF};
			long n = write_in_turn(e, fd, &piece, 1);

			if (n < 0)
				return done ? done : n;
			done += n;
			at += (size_t)n;
		}
	}
	return done;
}

long net_write_other(int fd, const struct iovec *parts, int count)
{
	struct endpoint *e = net_any(fd);
	size_t size = 0;
	bool shield;
	long n;

	if (!e || count < 0 || count > IOV_MAX || !is_pipe_that_waits(fd))
		return host_call(SYS_writev, fd, (long)parts, count, 0, 0, 0);
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	shield = go_shield(true);
	mutex_lock(&e->writing);
	n = size <= PIPE_BUF ? write_in_turn(e, fd, parts, count) : write_all(e, fd, parts, count);
	mutex_unlock(&e->writing);
	go_shield(shield);
	return n;
}

/* ---- A terminal that the program has changed ---- */

int __wrap_tcsetattr(int fd, int when, const struct termios *wanted);

static struct termios as_it_was; /* constant when changed is set */
static _Atomic bool changed;
static struct mutex changing;

/* When the program does not live to do so itself. */
void host_terminal_back(void)
{
	static const unsigned long all = ~0ul;

	/* acquire: with the release in before_change. */
	if (!atomic_load_explicit(&changed, memory_order_acquire))
		return;
	/* From the background this would stop us with SIGTTOU. */
	host_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, 0, sizeof all, 0, 0);
	host_call(SYS_ioctl, STDIN_FILENO, TCSETS, (long)&as_it_was, 0, 0, 0);
}

static void before_change(void)
{
	mutex_lock(&changing);
	if (!atomic_load_explicit(&changed, memory_order_relaxed) &&
	    host_call(SYS_ioctl, STDIN_FILENO, TCGETS, (long)&as_it_was, 0, 0, 0) == 0) {
		host_end_with_terminal();
		/* release: with the acquire in host_terminal_back. */
		atomic_store_explicit(&changed, true, memory_order_release);
	}
	mutex_unlock(&changing);
}

int __wrap_tcsetattr(int fd, int when, const struct termios *wanted)
{
	static const int requests[] = {
		[TCSANOW] = TCSETS, [TCSADRAIN] = TCSETSW, [TCSAFLUSH] = TCSETSF};

	if (when < 0 || (size_t)when >= sizeof requests / sizeof *requests)
		return (int)net_result(-EINVAL);
	before_change();
	return (int)net_result(host_call(SYS_ioctl, fd, requests[when], (long)wanted, 0, 0, 0));
}
