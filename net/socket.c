/* What all sockets have in common: their life, and waiting. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <lwip/err.h>
#include <vole/time.h>

#include "kernel/heap.h"
#include "kernel/sched.h"

static const struct file_ops socket_ops;

/* ---- The data of a call --------------------------------------------------------------------- */

size_t parts_size(const struct iovec *part, int count)
{
	size_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += part[i].iov_len;
	return sum;
}

void *parts_next(struct parts *parts, size_t *n)
{
	char *base;
	size_t size;

	while (parts->left > 0 && parts->offset == parts->part->iov_len) {
		parts->part++;
		parts->left--;
		parts->offset = 0;
	}
	if (parts->left <= 0)
		return NULL;
	base = (char *)parts->part->iov_base + parts->offset;
	size = parts->part->iov_len - parts->offset;
	if (*n > size)
		*n = size;
	parts->offset += *n;
	return base;
}

void parts_put(struct parts *parts, const void *data, size_t n)
{
	const char *from = data;

	while (n > 0) {
		size_t piece = n;
		void *to = parts_next(parts, &piece);

		memcpy(to, from, piece);
		from += piece;
		n -= piece;
	}
}

void parts_skip(struct parts *parts, size_t n)
{
	while (n > 0) {
		size_t piece = n;

		parts_next(parts, &piece);
		n -= piece;
	}
}

/* ---- Waiting -------------------------------------------------------------------------------- */

/* Lock held, is given back: claims two queues. */
static void wake_two(struct socket *s, struct wait_queue *a, struct wait_queue *b)
{
	struct wait_node *first = a->first ? wait_queue_claim_all(a) : NULL;
	struct wait_node *second = b->first ? wait_queue_claim_all(b) : NULL;

	spin_unlock(&s->lock);
	wait_ready_all(first);
	wait_ready_all(second);
}

void socket_wake(struct socket *s, struct wait_queue *q)
{
	wake_two(s, q, &s->pollers);
	preempt_enable();
}

void socket_wake_all(struct socket *s)
{
	wake_two(s, &s->readers, &s->writers);
	spin_lock(&s->lock);
	wake_two(s, &s->pollers, &s->pollers);
	preempt_enable();
}

/* Lock held, is given back; preemption stays off. */
static int park(struct socket *s, struct wait_queue *q, struct wait_node *node, uint64_t deadline)
{
	int32_t claim;

	claim = wait_park_cancellable(deadline);
	atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
	if (claim < 0) {
		spin_lock(&s->lock);
		wait_queue_remove(q, node);
		spin_unlock(&s->lock);
	}
	preempt_enable();
	return claim == -ETIMEDOUT ? -EAGAIN : claim;
}

/* Lock held: opens the wait, and gives the lock back. What it waits for comes from outside, so it is
 * no deadlock. */
static void enter(struct socket *s, struct wait_queue *q, struct wait_node *node)
{
	*node = (struct wait_node){.co = arch_current()};
	wait_open(WAIT_SOCKET, s);
	wait_queue_put(q, node);
	atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
	spin_unlock(&s->lock);
}

int socket_wait(struct socket *s, struct wait_queue *q, uint64_t deadline)
{
	struct wait_node node;

	if (wait_expired(deadline)) {
		unlock(&s->lock);
		return -EAGAIN;
	}
	enter(s, q, &node);
	return park(s, q, &node, deadline);
}

int socket_wait_net(struct socket *s, struct wait_queue *q, uint64_t deadline)
{
	struct wait_node node;
	int claim;

	assert_net_locked();
	if (wait_expired(deadline))
		return -EAGAIN;
	lock(&s->lock);
	enter(s, q, &node);
	mutex_unlock(&net_mutex);
	claim = park(s, q, &node, deadline);
	net_lock();
	return claim;
}

int socket_take_error(struct socket *s)
{
	int error = s->closed ? -EBADF : s->error;

	assert_locked(&s->lock);
	s->error = 0;
	return error;
}

uint64_t socket_deadline(uint64_t timeout)
{
	uint64_t deadline;

	if (timeout == 0 || __builtin_add_overflow(time_now(), timeout, &deadline))
		return TIME_NEVER;
	return deadline;
}

int socket_error(int lwip_error)
{
	switch (lwip_error) {
	case ERR_OK:
		return 0;
	case ERR_MEM:
	case ERR_BUF:
		return -ENOMEM;
	case ERR_RTE:
		return -ENETUNREACH;
	case ERR_USE:
		return -EADDRINUSE;
	case ERR_ALREADY:
		return -EALREADY;
	case ERR_ISCONN:
		return -EISCONN;
	case ERR_CONN:
	case ERR_CLSD:
		return -ENOTCONN;
	case ERR_IF:
		return -ENETDOWN;
	case ERR_ABRT:
		return -ETIMEDOUT; /* of a connection: too often tried again */
	case ERR_RST:
		return -ECONNRESET;
	case ERR_VAL:
		return -EACCES; /* of a broadcast without SO_BROADCAST */
	default:
		return -EINVAL;
	}
}

int socket_check_route(const ip_addr_t *to)
{
	return net_up() || address_is_own(to) ? 0 : -ENETDOWN;
}

/* ---- Life ----------------------------------------------------------------------------------- */

struct socket *socket_make(int family, int type)
{
	struct socket *s = heap_alloc(sizeof(*s));

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->family = family;
	s->type = type;
	return s;
}

static void socket_close(void *object)
{
	struct socket *s = object;

	/* With net_lock too: who sends looks whether it is closed, and then begins to wait. */
	net_lock();
	lock(&s->lock);
	s->closed = true;
	socket_wake_all(s);
	if (s->type == SOCK_STREAM)
		stream_close(s);
	else
		datagram_close(s);
	net_unlock();
}

static void socket_free(void *object)
{
	struct socket *s = object;

	if (s->type == SOCK_STREAM)
		stream_free(s);
	else
		datagram_free(s);
	heap_free(s);
}

int socket_descriptor(struct socket *s, int flags)
{
	int fd = file_add(&socket_ops, s, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0));

	if (fd >= 0 && flags & SOCK_CLOEXEC)
		file_set_descriptor_flags(fd, FD_CLOEXEC);
	return fd;
}

void socket_discard(struct socket *s)
{
	socket_close(s);
	socket_free(s);
}

struct socket *socket_get(int fd, struct file **file, int *error)
{
	*file = file_get(fd);
	if (!*file) {
		*error = -EBADF;
		return NULL;
	}
	if ((*file)->ops == &socket_ops)
		return (*file)->object;
	file_put(*file);
	*error = -ENOTSOCK;
	return NULL;
}

/* ---- As a file ------------------------------------------------------------------------------ */

static ssize_t socket_read(void *object, const struct iovec *part, int count, bool may_wait)
{
	struct socket *s = object;
	struct parts parts = {.part = part, .left = count};
	int flags = may_wait ? 0 : MSG_DONTWAIT;

	return s->type == SOCK_STREAM ? stream_receive(s, parts, flags)
				      : datagram_receive(s, parts, &flags, NULL, NULL);
}

static ssize_t socket_write(void *object, const struct iovec *part, int count, bool may_wait)
{
	struct socket *s = object;
	struct parts parts = {.part = part, .left = count};
	int flags = may_wait ? 0 : MSG_DONTWAIT;

	return s->type == SOCK_STREAM ? stream_send(s, parts, flags)
				      : datagram_send(s, parts, flags, NULL, 0);
}

/* Lock held. */
static int events(const struct socket *s)
{
	int result = 0;

	if (s->closed)
		return POLLNVAL;
	if (s->received > 0 || s->ended || s->error)
		result |= POLLIN | POLLRDNORM;
	if (s->writable || s->error)
		result |= POLLOUT | POLLWRNORM;
	if (s->error)
		result |= POLLERR;
	if (s->type == SOCK_DGRAM && s->ended && s->sent_all)
		result |= POLLHUP;
	if (s->type == SOCK_STREAM &&
	    (shared_get(s->state) == SOCKET_NEW || shared_get(s->state) == SOCKET_ENDED ||
	     (s->ended && s->sent_all)))
		result |= POLLHUP | (shared_get(s->state) == SOCKET_NEW ? 0 : POLLOUT | POLLWRNORM);
	return result;
}

static int socket_poll(void *object, struct wait_node *node)
{
	struct socket *s = object;
	int result;

	lock(&s->lock);
	if (node)
		wait_queue_put(&s->pollers, node);
	result = events(s);
	unlock(&s->lock);
	return result;
}

static void socket_unpoll(void *object, struct wait_node *node)
{
	struct socket *s = object;

	lock(&s->lock);
	wait_queue_remove(&s->pollers, node);
	unlock(&s->lock);
}

static ssize_t socket_readable(void *object)
{
	struct socket *s = object;
	ssize_t n;

	lock(&s->lock);
	n = s->first_datagram ? s->first_datagram->p->tot_len : (ssize_t)s->received;
	unlock(&s->lock);
	return shared_get(s->state) == SOCKET_LISTENING ? -EINVAL : n;
}

static const struct file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.unpoll = socket_unpoll,
	.readable = socket_readable,
	.close = socket_close,
	.free = socket_free,
};
