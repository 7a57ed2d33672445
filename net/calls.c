/* <sys/socket.h>: checks what the program gives, and hands it on to stream.c and datagram.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>

#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "debug/trace.h"
#include "kernel/heap.h"
#include "net/socket.h"

static long call_result(long value)
{
	if (value >= 0)
		return value;
	errno = (int)-value;
	return -1;
}

static bool may_wait_in_call(const struct file *file, int flags)
{
	return !(flags & MSG_DONTWAIT) &&
	       !(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK);
}

/* flags of a call, with the file's. */
static int with_mode(const struct file *file, int flags)
{
	return may_wait_in_call(file, flags) ? flags : flags | MSG_DONTWAIT;
}

/* ---- Making them ---------------------------------------------------------------------------- */

enum { TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

static int check_kind(int domain, int type, int protocol)
{
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return type == SOCK_RAW ? -EPROTONOSUPPORT : -EINVAL;
	if (protocol && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
		return -EPROTONOSUPPORT;
	return 0;
}

int socket(int domain, int type, int protocol)
{
	int flags = type & TYPE_FLAGS, error;
	struct socket *s;

	type &= ~TYPE_FLAGS;
	error = check_kind(domain, type, protocol);
	if (error)
		return (int)call_result(error);
	net_start();
	s = socket_make(domain, type);
	if (!s)
		return (int)call_result(-ENOMEM);
	error = type == SOCK_STREAM ? stream_open(s) : datagram_open(s);
	if (error) {
		heap_free(s);
		return (int)call_result(error);
	}
	error = socket_descriptor(s, flags);
	if (error < 0)
		socket_discard(s);
	return (int)call_result(error);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct file *file;
	ip_addr_t ip;
	uint16_t port;
	int error = 0;
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	error = address_get(s->family, address, size, &ip, &port);
	if (!error)
		error = s->type == SOCK_STREAM ? stream_bind(s, &ip, port)
					       : datagram_bind(s, &ip, port);
	file_put(file);
	return (int)call_result(error);
}

int listen(int fd, int backlog)
{
	struct file *file;
	int error = 0;
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	error = s->type == SOCK_STREAM ? stream_listen(s, backlog) : -EOPNOTSUPP;
	file_put(file);
	return (int)call_result(error);
}

/* Whose connection it is. net_lock is not held. */
static int tell_address(struct socket *s, bool peer, struct sockaddr *address, socklen_t *size)
{
	ip_addr_t ip = *IP4_ADDR_ANY;
	uint16_t port = 0;
	int error = 0;

	if (!address || !size)
		return -EFAULT;
	net_lock();
	if (peer && (shared_get(s->state) != SOCKET_CONNECTED || (!s->tcp && !s->udp))) {
		error = -ENOTCONN;
	} else if (s->tcp) {
		ip = peer ? s->tcp->remote_ip : s->tcp->local_ip;
		port = peer ? s->tcp->remote_port : s->tcp->local_port;
	} else if (s->udp) {
		ip = peer ? s->udp->remote_ip : s->udp->local_ip;
		port = peer ? s->udp->remote_port : s->udp->local_port;
	} else if (s->last_port) {
		ip = s->last_ip;
		port = s->last_port;
	}
	net_unlock();
	if (!error) {
		if (s->family == AF_INET6 && ip_addr_isany(&ip))
			ip = *IP6_ADDR_ANY;
		address_put(s->family, &ip, port, address, size);
	}
	return error;
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
	struct file *file;
	struct socket *accepted = NULL;
	int error = flags & ~TYPE_FLAGS ? -EINVAL : 0;
	struct socket *s = error ? NULL : socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	trace_called("accept", fd);
	error = s->type == SOCK_STREAM ? stream_accept(s, &accepted, may_wait_in_call(file, 0))
				       : -EOPNOTSUPP;
	trace_returned("accept", error);
	if (!error) {
		if (address && size && tell_address(accepted, true, address, size))
			*size = 0; /* it has been reset */
		error = socket_descriptor(accepted, flags);
		if (error < 0) /* it waits for a descriptor to become free */
			stream_accept_later(s, accepted);
	}
	file_put(file);
	return (int)call_result(error);
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	return accept4(fd, address, size, 0);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	struct file *file;
	ip_addr_t ip;
	uint16_t port;
	int error = 0;
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	trace_called("connect", fd);
	if (s->type == SOCK_DGRAM && address && size >= sizeof(address->sa_family) &&
	    address->sa_family == AF_UNSPEC) {
		error = datagram_connect(s, NULL, 0);
	} else {
		error = address_get(s->family, address, size, &ip, &port);
		if (!error)
			error = s->type == SOCK_STREAM
					? stream_connect(s, &ip, port, may_wait_in_call(file, 0))
					: datagram_connect(s, &ip, port);
	}
	trace_returned("connect", error);
	file_put(file);
	return (int)call_result(error);
}

int shutdown(int fd, int how)
{
	struct file *file;
	int error = 0;
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		error = -EINVAL;
	else
		error = s->type == SOCK_STREAM ? stream_shutdown(s, how)
					       : datagram_shutdown(s, how);
	file_put(file);
	return (int)call_result(error);
}

static int tell_sender(int fd, bool peer, struct sockaddr *address, socklen_t *size)
{
	struct file *file;
	int error = 0;
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return (int)call_result(error);
	error = tell_address(s, peer, address, size);
	file_put(file);
	return (int)call_result(error);
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	return tell_sender(fd, false, address, size);
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	return tell_sender(fd, true, address, size);
}

/* ---- Data ----------------------------------------------------------------------------------- */

static ssize_t send_parts(int fd, const struct iovec *part, int count, int flags,
			  const struct sockaddr *to, socklen_t size)
{
	struct file *file;
	ip_addr_t ip;
	uint16_t port = 0;
	int error = 0;
	ssize_t sent;
	struct parts parts = {.part = part, .left = count};
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return error;
	if (flags & MSG_OOB)
		error = -EOPNOTSUPP;
	else if (to && s->type == SOCK_DGRAM)
		error = address_get(s->family, to, size, &ip, &port);
	if (!error && to && s->type == SOCK_DGRAM && port == 0)
		error = -EINVAL;
	flags = with_mode(file, flags);
	if (error)
		sent = error;
	else if (s->type == SOCK_STREAM) /* to where it is connected, whatever to says */
		sent = stream_send(s, parts, flags);
	else
		sent = datagram_send(s, parts, flags, to ? &ip : NULL, port);
	file_put(file);
	return sent;
}

/* flags: in and out. */
static ssize_t receive_parts(int fd, const struct iovec *part, int count, int *flags,
			     struct sockaddr *from, socklen_t *size)
{
	struct file *file;
	ip_addr_t ip;
	uint16_t port = 0;
	int error = 0, mode;
	ssize_t n;
	struct parts parts = {.part = part, .left = count};
	struct socket *s = socket_get(fd, &file, &error);

	if (!s)
		return error;
	mode = with_mode(file, *flags);
	*flags = 0;
	if (s->type == SOCK_STREAM) {
		n = stream_receive(s, parts, mode);
		if (size)
			*size = 0;
	} else {
		n = datagram_receive(s, parts, &mode, &ip, &port);
		*flags = mode & MSG_TRUNC;
		if (n >= 0)
			address_put(s->family, &ip, port, from, size);
	}
	file_put(file);
	return n;
}

ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
	       socklen_t size)
{
	trace_called("send", fd);
	return call_result(trace_returned("send", send_parts(fd, &(struct iovec){(void *)data, n},
							     1, flags, to, size)));
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
	return sendto(fd, data, n, flags, NULL, 0);
}

ssize_t recvfrom(int fd, void *restrict data, size_t n, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict size)
{
	trace_called("recv", fd);
	return call_result(trace_returned("recv", receive_parts(fd, &(struct iovec){data, n}, 1,
								&flags, from, size)));
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
	return recvfrom(fd, data, n, flags, NULL, NULL);
}

static int check_message(const struct msghdr *message)
{
	if (!message)
		return -EFAULT;
	return message->msg_iovlen < 0 || message->msg_iovlen > IOV_MAX ? -EMSGSIZE : 0;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	int error = check_message(message);

	if (error)
		return call_result(error);
	return call_result(send_parts(fd, message->msg_iov, message->msg_iovlen, flags,
				      message->msg_name, message->msg_namelen));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	int error = check_message(message);
	ssize_t n;

	if (error)
		return call_result(error);
	n = receive_parts(fd, message->msg_iov, message->msg_iovlen, &flags, message->msg_name,
			  message->msg_name ? &message->msg_namelen : NULL);
	if (n >= 0) {
		message->msg_flags = flags;
		message->msg_controllen = 0;
	}
	return call_result(n);
}
