/* UDP sockets over lwIP's raw interface. What comes waits in the socket's queue, up to a limit. */
#include <errno.h>
#include <string.h>

#include <lwip/udp.h>

#include "kernel/heap.h"
#include "net/guard.h"
#include "net/socket.h"

enum { RECEIVE_LIMIT = 256 * 1024, LARGEST = 0xffff - 8 };

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
			u16_t port)
{
	struct socket *s = arg;
	struct datagram *d = heap_alloc(sizeof(*d));

	(void)pcb;
	lock(&s->lock);
	if (!d || s->ended || guard_low() || s->received + p->tot_len > s->receive_limit) {
		unlock(&s->lock);
		heap_free(d);
		pbuf_free(p);
		return;
	}
	*d = (struct datagram){.p = p, .from = *from, .port = port};
	if (s->last_datagram)
		s->last_datagram->next = d;
	else
		s->first_datagram = d;
	s->last_datagram = d;
	s->received += p->tot_len + 1; /* an empty one counts too */
	socket_wake(s, &s->readers);
}

int datagram_open(struct socket *s)
{
	net_lock();
	s->udp = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
	if (s->udp)
		udp_recv(s->udp, on_datagram, s);
	net_unlock();
	s->writable = true;
	s->receive_limit = RECEIVE_LIMIT;
	return s->udp ? 0 : -ENOMEM;
}

int datagram_bind(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	int error = -EBADF;

	net_lock();
	if (s->family == AF_INET6 && !s->v6only && ip_addr_isany(address))
		address = IP_ANY_TYPE;
	if (s->udp && s->udp->local_port)
		error = -EINVAL;
	else if (!address_is_own(address))
		error = -EADDRNOTAVAIL;
	else if (s->udp)
		error = socket_error(udp_bind(s->udp, address, port));
	net_unlock();
	return error;
}

int datagram_connect(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	int error = -EBADF;

	net_lock();
	if (!address && s->udp) {
		udp_disconnect(s->udp);
		s->state = SOCKET_NEW;
		error = 0;
	} else if (s->udp) {
		error = socket_check_route(address);
		if (!error)
			error = socket_error(udp_connect(s->udp, address, port));
		if (!error)
			s->state = SOCKET_CONNECTED;
	}
	net_unlock();
	return error;
}

ssize_t datagram_send(struct socket *s, struct parts parts, int flags, const ip_addr_t *address,
		      uint16_t port)
{
	size_t size = parts_size(parts.part, parts.left), done = 0;
	struct pbuf *p;
	int error;

	(void)flags; /* it never waits */
	if (wait_cancelled())
		return -ECANCELED;
	if (size > LARGEST)
		return -EMSGSIZE;
	p = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)size, PBUF_RAM);
	if (!p)
		return -ENOBUFS;
	while (done < size) {
		size_t piece = size - done;
		const void *from = parts_next(&parts, &piece);

		memcpy((char *)p->payload + done, from, piece);
		done += piece;
	}
	net_lock();
	if (!s->udp)
		error = -EBADF;
	else if (s->sent_all)
		error = -EPIPE;
	else if (!address && s->state != SOCKET_CONNECTED)
		error = -EDESTADDRREQ;
	else if (address && (error = socket_check_route(address)))
		;
	else
		error = socket_error(address ? udp_sendto(s->udp, p, address, port)
					     : udp_send(s->udp, p));
	pbuf_free(p);
	net_unlock();
	return error ? error : (ssize_t)size;
}

/* Lock held: the first datagram, or why there is none; it waits without the lock. */
static int wait_for_one(struct socket *s, bool may_wait, uint64_t deadline)
{
	while (!s->first_datagram) {
		int error = socket_take_error(s);

		if (!error && s->ended)
			return -EPIPE;
		if (!error && !may_wait)
			error = -EAGAIN;
		if (error)
			return error;
		error = socket_wait(s, &s->readers, deadline);
		lock(&s->lock);
		if (error)
			return error == -ETIMEDOUT ? -EAGAIN : error;
	}
	return 0;
}

/* Copies what parts has room for; how much. */
static size_t copy(struct parts parts, const struct pbuf *p)
{
	size_t room = parts_size(parts.part, parts.left), done = 0;

	for (; p && done < room; p = p->next) {
		size_t n = p->len < room - done ? p->len : room - done;

		parts_put(&parts, p->payload, n);
		done += n;
	}
	return done;
}

ssize_t datagram_receive(struct socket *s, struct parts parts, int *flags, ip_addr_t *from,
			 uint16_t *port)
{
	struct datagram *d;
	size_t n, whole;
	int error;

	if (wait_cancelled())
		return -ECANCELED;
	lock(&s->lock);
	error = wait_for_one(s, !(*flags & MSG_DONTWAIT), socket_deadline(s->receive_timeout));
	if (error) {
		unlock(&s->lock);
		return error == -EPIPE ? 0 : error; /* shut for reading */
	}
	d = s->first_datagram;
	whole = d->p->tot_len;
	if (from) {
		*from = d->from;
		*port = d->port;
	}
	if (*flags & MSG_PEEK) {
		n = copy(parts, d->p);
		unlock(&s->lock);
	} else {
		s->first_datagram = d->next;
		if (!d->next)
			s->last_datagram = NULL;
		s->received -= whole + 1;
		unlock(&s->lock);
		n = copy(parts, d->p);
		pbuf_free(d->p);
		heap_free(d);
	}
	if (*flags & MSG_TRUNC && n < whole)
		return (ssize_t)whole;
	*flags = n < whole ? MSG_TRUNC : 0;
	return (ssize_t)n;
}

int datagram_shutdown(struct socket *s, int how)
{
	if (s->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	net_lock();
	if (how != SHUT_RD)
		s->sent_all = true;
	lock(&s->lock);
	if (how != SHUT_WR)
		s->ended = true;
	socket_wake_all(s);
	net_unlock();
	return 0;
}

void datagram_close(struct socket *s)
{
	net_lock();
	if (s->udp)
		udp_remove(s->udp);
	s->udp = NULL;
	net_unlock();
}

void datagram_free(struct socket *s)
{
	struct datagram *d, *next;

	for (d = s->first_datagram; d; d = next) {
		next = d->next;
		pbuf_free(d->p);
		heap_free(d);
	}
}
