/*
 * poll and select, on anything that has a descriptor. A node for each descriptor goes into the
 * queue of its file; the first change claims the one wait that they share. Nothing here needs the
 * network to be linked.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include <vole/time.h>

#include "kernel/heap.h"
#include "kernel/sched.h"
#include "libc/file.h"
#include "sync/wait.h"

enum { ALWAYS = POLLERR | POLLHUP | POLLNVAL };

struct entry {
	struct file *file;
	struct wait_node node;
};

static int poll_result(int value)
{
	if (value >= 0)
		return value;
	errno = -value;
	return -1;
}

/* What is true of fd, and the node in its file's queue where that has one. */
static int look_at_entry(struct pollfd *fd, struct entry *e, bool wait)
{
	if (fd->fd < 0)
		return 0;
	if (!e->file)
		return POLLNVAL;
	return file_poll(e->file, wait ? &e->node : NULL) & (fd->events | ALWAYS);
}

/* How many have something to tell, in revents. With wait, nodes are queued. */
static int look_at_all(struct pollfd *fds, struct entry *entries, nfds_t n, bool wait)
{
	int count = 0;

	for (nfds_t i = 0; i < n; i++) {
		fds[i].revents = (short)look_at_entry(&fds[i], &entries[i], wait);
		count += fds[i].revents != 0;
	}
	return count;
}

static void unqueue(struct entry *entries, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (entries[i].file)
			file_unpoll(entries[i].file, &entries[i].node);
}

/* Until something may have changed. How many have something to tell already; or an error. */
static int wait_once(struct pollfd *fds, struct entry *entries, nfds_t n, uint64_t deadline)
{
	struct co *self = arch_current();
	int count;
	int32_t claim = 0;

	for (nfds_t i = 0; i < n; i++)
		entries[i].node = (struct wait_node){.co = self};
	preempt_disable();
	wait_open(WAIT_SOCKET, fds);
	count = look_at_all(fds, entries, n, true);
	if (!count || !wait_claim(self, 0)) {
		atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
		claim = wait_park_cancellable(deadline);
		atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
	}
	shared_set(self->state, CO_RUNNING);
	unqueue(entries, n);
	preempt_enable();
	return count ? count : claim;
}

static int poll_entries(struct pollfd *fds, struct entry *entries, nfds_t n, uint64_t deadline)
{
	int count = look_at_all(fds, entries, n, false), error;

	while (count == 0) {
		if (wait_expired(deadline))
			return 0;
		error = wait_once(fds, entries, n, deadline);
		if (error == -ECANCELED)
			return error;
		count = look_at_all(fds, entries, n, false);
	}
	return count;
}

static int poll_until(struct pollfd *fds, nfds_t n, uint64_t deadline)
{
	struct entry some[8], *entries = some;
	int count;

	if (wait_cancelled())
		return -ECANCELED;
	if (n > MAX_FILES)
		return -EINVAL;
	if (n > sizeof(some) / sizeof(some[0]))
		entries = heap_alloc(n * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (nfds_t i = 0; i < n; i++)
		entries[i].file = fds[i].fd < 0 ? NULL : file_get(fds[i].fd);
	count = poll_entries(fds, entries, n, deadline);
	for (nfds_t i = 0; i < n; i++)
		if (entries[i].file)
			file_put(entries[i].file);
	if (entries != some)
		heap_free(entries);
	return count;
}

/* ns < 0: never. */
static uint64_t deadline_of(int64_t ns)
{
	uint64_t deadline;

	if (ns < 0 || __builtin_add_overflow(time_now(), (uint64_t)ns, &deadline))
		return TIME_NEVER;
	return ns == 0 ? 0 : deadline;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int64_t ns = timeout_ms < 0 ? -1 : timeout_ms * (int64_t)NSEC_PER_MSEC;

	return poll_result(poll_until(fds, count, deadline_of(ns)));
}

/* ---- select --------------------------------------------------------------------------------- */

enum {
	READS = POLLIN | POLLRDNORM | POLLHUP | POLLERR,
	WRITES = POLLOUT | POLLWRNORM | POLLERR,
	EXCEPTS = POLLPRI,
};

static bool in_set(int fd, fd_set *set)
{
	return set && FD_ISSET(fd, set);
}

/* One descriptor for each that is in a set; how many. */
static nfds_t from_sets(int n, fd_set *read, fd_set *write, fd_set *except, struct pollfd *fds)
{
	nfds_t count = 0;

	for (int fd = 0; fd < n; fd++) {
		int events = (in_set(fd, read) ? POLLIN : 0) | (in_set(fd, write) ? POLLOUT : 0) |
			     (in_set(fd, except) ? POLLPRI : 0);

		if (events)
			fds[count++] = (struct pollfd){.fd = fd, .events = (short)events};
	}
	return count;
}

/* Leaves fd in set when it is true of it; whether it is. */
static int keep_result(const struct pollfd *fd, int events, int wanted, fd_set *set)
{
	if (!(fd->events & wanted))
		return 0;
	if (fd->revents & events)
		return 1;
	FD_CLR(fd->fd, set);
	return 0;
}

static int to_sets(struct pollfd *fds, nfds_t n, fd_set *read, fd_set *write, fd_set *except)
{
	int count = 0;

	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
		count += keep_result(&fds[i], READS, POLLIN, read) +
			 keep_result(&fds[i], WRITES, POLLOUT, write) +
			 keep_result(&fds[i], EXCEPTS, POLLPRI, except);
	}
	return count;
}

static int select_ns(int n, fd_set *read, fd_set *write, fd_set *except, int64_t ns)
{
	struct pollfd *fds;
	nfds_t count;
	int found;

	if (n < 0 || n > MAX_FILES)
		return -EINVAL;
	fds = heap_alloc((size_t)(n + 1) * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	count = from_sets(n, read, write, except, fds);
	found = poll_until(fds, count, deadline_of(ns));
	if (found >= 0)
		found = to_sets(fds, count, read, write, except);
	heap_free(fds);
	return found;
}

int select(int n, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout)
{
	int64_t ns = -1;

	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= 1000000)
			return poll_result(-EINVAL);
		if (timeout->tv_sec < INT32_MAX)
			ns = timeout->tv_sec * (int64_t)NSEC_PER_SEC + timeout->tv_usec * 1000;
	}
	return poll_result(select_ns(n, read, write, except, ns));
}

int pselect(int n, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout,
	    const sigset_t *mask)
{
	int64_t ns = -1;

	(void)mask; /* no signal comes from outside */
	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)
			return poll_result(-EINVAL);
		if (timeout->tv_sec < INT32_MAX)
			ns = timeout->tv_sec * (int64_t)NSEC_PER_SEC + timeout->tv_nsec;
	}
	return poll_result(select_ns(n, read, write, except, ns));
}
