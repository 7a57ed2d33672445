/* UDP sockets over lwIP's raw interface. What comes waits in the socket's queue, up to a limit. */
#include <errno.h>
#include <string.h>

#include <lwip/ip.h>
#include <lwip/udp.h>

#include "kernel/heap.h"
#include "net/guard.h"
#include "net/socket.h"

enum { RECEIVE_LIMIT = 256 * 1024, LARGEST = 0xffff - UDP_HLEN };

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
	if (!error)
		s->bound = !ip_addr_isany(address);
	net_unlock();
	return error;
}

/* As before connect, which chooses the address if bind has not. */
static void forget_end(struct socket *s)
{
	udp_disconnect(s->udp);
	shared_set(s->state, SOCKET_NEW);
	if (!s->bound)
		s->udp->local_ip = s->family == AF_INET ? *IP4_ADDR_ANY : *IP_ANY_TYPE;
}

/* The way to address, and who sends that way; NULL: there is none. */
static struct netif *way_to(struct socket *s, const ip_addr_t *address, const ip_addr_t **from)
{
	struct netif *netif = ip_route(&s->udp->local_ip, address);

	if (s->bound && IP_IS_V4(&s->udp->local_ip) == IP_IS_V4(address))
		*from = &s->udp->local_ip;
	else
		*from = netif ? address_from(netif, address) : NULL;
	return *from ? netif : NULL;
}

static int connect_to(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	const ip_addr_t *from;
	ip_addr_t to = *address_to(address, &s->udp->local_ip), chosen;
	int error = socket_check_route(&to);

	if (error)
		return error;
	forget_end(s);
	if (!way_to(s, &to, &from))
		return -ENETUNREACH;
	chosen = *from;
	error = socket_error(udp_connect(s->udp, &to, port));
	if (error)
		return error;
	s->udp->local_ip = chosen;
	shared_set(s->state, SOCKET_CONNECTED);
	return 0;
}

int datagram_connect(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	int error = -EBADF;

	net_lock();
	if (!address && s->udp) {
		forget_end(s);
		error = 0;
	} else if (s->udp) {
		error = connect_to(s, address, port);
	}
	net_unlock();
	return error;
}

/* net_lock. */
static int send_to(struct socket *s, struct pbuf *p, const ip_addr_t *address, uint16_t port)
{
	/* The packet's length, IPv4's with its own header, has 16 bits, and so has a pbuf's. */
	size_t header = IP_IS_V4(address) ? IP_HLEN : IP6_HLEN;
	ip_addr_t to = *address_to(address, &s->udp->local_ip);
	const ip_addr_t *from;
	struct netif *netif;
	int error = socket_check_route(&to);

	if (error)
		return error;
	if (p->tot_len > LARGEST - header)
		return -EMSGSIZE;
	netif = way_to(s, &to, &from);
	if (!netif)
		return -ENETUNREACH;
	return socket_error(udp_sendto_if_src(s->udp, p, &to, port, netif, from));
}

/* Lock not held: what is to be told before anything else. */
static int pending_error(struct socket *s)
{
	int error;

	lock(&s->lock);
	error = socket_take_error(s);
	unlock(&s->lock);
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
	else if (!address && shared_get(s->state) != SOCKET_CONNECTED)
		error = -EDESTADDRREQ;
	else if (!(error = pending_error(s)))
		error = address ? send_to(s, p, address, port)
				: send_to(s, p, &s->udp->remote_ip, s->udp->remote_port);
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
			return error;
	}
	return 0;
}

/* Copies what parts has room for; how much. */
static size_t copy_datagram(struct parts parts, const struct pbuf *p)
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
	error = wait_for_one(s, !(*flags & MSG_DONTWAIT),
			     socket_deadline(shared_get(s->receive_timeout)));
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
		n = copy_datagram(parts, d->p);
		unlock(&s->lock);
	} else {
		s->first_datagram = d->next;
		if (!d->next)
			s->last_datagram = NULL;
		s->received -= whole + 1;
		unlock(&s->lock);
		n = copy_datagram(parts, d->p);
		pbuf_free(d->p);
		heap_free(d);
	}
	if (*flags & MSG_TRUNC && n < whole)
		return (ssize_t)whole;
	*flags = n < whole ? MSG_TRUNC : 0;
	return (ssize_t)n;
}

void datagram_refused(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		      uint16_t remote_port)
{
	for (struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next) {
		struct socket *s = pcb->recv_arg;

		if (pcb->recv != on_datagram || !(pcb->flags & UDP_FLAGS_CONNECTED) ||
		    pcb->local_port != local_port || pcb->remote_port != remote_port ||
		    !ip_addr_cmp(&pcb->remote_ip, remote) || !ip_addr_cmp(&pcb->local_ip, local))
			continue;
		lock(&s->lock);
		s->error = -ECONNREFUSED;
		socket_wake_all(s);
	}
}

int datagram_shutdown(struct socket *s, int how)
{
	if (shared_get(s->state) != SOCKET_CONNECTED)
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
	if (s->udp)
		udp_remove(s->udp);
	s->udp = NULL;
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
