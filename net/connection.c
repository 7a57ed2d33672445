/*
 * The life of TCP connections: from socket to close. s->tcp is NULL when lwIP has freed the pcb, or
 * may do so without saying: after the end of both directions.
 */
#include <errno.h>
#include <string.h>

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "kernel/heap.h"
#include "net/demux.h"
#include "net/guard.h"
#include "net/socket.h"

/* A connection that finds no place is tried again only after a second. */
enum { BACKLOG_MIN = 8 };

/* net_lock. */
static int make_pcb(struct socket *s)
{
	struct tcp_pcb *pcb;

	if (guard_low())
		demux_all(); /* one in TIME-WAIT may have to make room */
	pcb = tcp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
	if (!pcb)
		return -ENOMEM;
	stream_attach(s, pcb);
	guard_prepare(pcb);
	return 0;
}

int stream_open(struct socket *s)
{
	int error;

	net_lock();
	error = make_pcb(s);
	net_unlock();
	return error;
}

/* In bind's address: for all families, where the socket is for both. */
static const ip_addr_t *for_both(const struct socket *s, const ip_addr_t *address)
{
	return s->family == AF_INET6 && !s->v6only && ip_addr_isany(address) ? IP_ANY_TYPE
									     : address;
}

int stream_bind(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	int error = 0;

	net_lock();
	if (shared_get(s->state) != SOCKET_NEW || !s->tcp || s->tcp->local_port)
		error = -EINVAL;
	else if (!address_is_own(address))
		error = -EADDRNOTAVAIL;
	if (!error) {
		demux_all();
		error = socket_error(tcp_bind(s->tcp, for_both(s, address), port));
		stream_remember_end(s);
	}
	net_unlock();
	return error;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct socket *s = arg, *accepted;

	if (err != ERR_OK || !pcb)
		return ERR_VAL; /* lwIP had no memory for it */
	accepted = socket_make(s->family, SOCK_STREAM);
	if (!accepted)
		return ERR_MEM;
	stream_attach(accepted, pcb);
	guard_accepted(pcb);
	shared_set(accepted->state, SOCKET_CONNECTED);
	accepted->writable = true;
	accepted->nodelay = s->nodelay;
	accepted->linger = s->linger;
	shared_set(accepted->receive_timeout, shared_get(s->receive_timeout));
	shared_set(accepted->send_timeout, shared_get(s->send_timeout));
	if (s->nodelay)
		tcp_nagle_disable(pcb);
	if (s->received >= (size_t)s->backlog) {
		accepted->delayed = true;
		tcp_backlog_delayed(pcb);
	}
	lock(&s->lock);
	if (s->last_accepted)
		s->last_accepted->next_accepted = accepted;
	else
		s->first_accepted = accepted;
	s->last_accepted = accepted;
	s->received++;
	socket_wake(s, &s->readers);
	return ERR_OK;
}

static int start_listening(struct socket *s)
{
	int most = TCP_DEFAULT_LISTEN_BACKLOG; /* lwIP's, of those half open */
	struct tcp_pcb *pcb;
	err_t err = ERR_OK;

	if (s->tcp->local_port == 0) {
		const ip_addr_t *any = s->family == AF_INET ? IP4_ADDR_ANY : IP6_ADDR_ANY;

		demux_all();
		err = tcp_bind(s->tcp, for_both(s, any), 0);
	}
	if (err)
		return socket_error(err);
	pcb = tcp_listen_with_backlog_and_err(s->tcp,
					      (uint8_t)(s->backlog < most ? s->backlog : most),
					      &err);
	if (!pcb)
		return socket_error(err);
	s->tcp = pcb;
	stream_remember_end(s);
	shared_set(s->state, SOCKET_LISTENING);
	tcp_accept(pcb, on_accept);
	guard_listen(pcb);
	return 0;
}

int stream_listen(struct socket *s, int backlog)
{
	int error = 0;

	net_lock();
	s->backlog = backlog < BACKLOG_MIN ? BACKLOG_MIN
		     : backlog > SOMAXCONN ? SOMAXCONN
					   : backlog;
	if (shared_get(s->state) == SOCKET_NEW && s->tcp)
		error = start_listening(s);
	else if (shared_get(s->state) != SOCKET_LISTENING)
		error = -EINVAL;
	net_unlock();
	return error;
}

int stream_accept(struct socket *s, struct socket **accepted, bool may_wait)
{
	uint64_t deadline = may_wait ? socket_deadline(shared_get(s->receive_timeout)) : 0;
	struct socket *first;
	int error = 0;

	if (wait_cancelled())
		return -ECANCELED;
	for (;;) {
		lock(&s->lock);
		first = s->first_accepted;
		if (first)
			break;
		error = s->closed                                  ? -EBADF
			: shared_get(s->state) != SOCKET_LISTENING ? -EINVAL
			: may_wait                                 ? 0
								   : -EAGAIN;
		if (error)
			unlock(&s->lock);
		else
			error = socket_wait(s, &s->readers, deadline);
		if (error)
			return error;
	}
	s->first_accepted = first->next_accepted;
	if (!s->first_accepted)
		s->last_accepted = NULL;
	s->received--;
	unlock(&s->lock);
	if (first->delayed) {
		net_lock();
		first->delayed = false;
		if (first->tcp)
			tcp_backlog_accepted(first->tcp);
		net_unlock();
	}
	*accepted = first;
	return 0;
}

void stream_accept_later(struct socket *s, struct socket *accepted)
{
	lock(&s->lock);
	if (s->closed || shared_get(s->state) != SOCKET_LISTENING) {
		unlock(&s->lock);
		socket_discard(accepted);
		return;
	}
	accepted->next_accepted = s->first_accepted;
	s->first_accepted = accepted;
	if (!s->last_accepted)
		s->last_accepted = accepted;
	s->received++;
	socket_wake(s, &s->readers);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct socket *s = arg;

	(void)err;
	guard_connected(pcb);
	lock(&s->lock);
	shared_set(s->state, SOCKET_CONNECTED);
	s->writable = true;
	socket_wake(s, &s->writers);
	return ERR_OK;
}

/*
 * The connection's own end: its address, and a port that is free for this remote end. It is never
 * the remote end itself: where nobody listens on a port of this machine, a connection that comes
 * from that port would wait for an answer from itself.
 */
static int choose_end(struct tcp_pcb *pcb, const ip_addr_t *address, uint16_t port)
{
	enum { TRIES = 100 };
	struct netif *netif = ip_route(&pcb->local_ip, address);
	const ip_addr_t *local = netif ? address_from(netif, address) : NULL;
	ip_addr_t chosen;
	uint16_t itself;

	if (!local)
		return -ENETUNREACH;
	chosen = ip_addr_isany(&pcb->local_ip) ? *local : pcb->local_ip;
	itself = ip_addr_cmp(&chosen, address) ? port : 0;
	if (pcb->local_port) {
		if (pcb->local_port == itself)
			return -ECONNREFUSED;
		demux_pick(&chosen, pcb->local_port, address, port);
		return 0;
	}
	for (int i = 0; i < TRIES; i++) {
		uint16_t try = net_next_port(&chosen, address, port);

		if (try == itself)
			continue;
		demux_pick(&chosen, try, address, port);
		if (tcp_bind(pcb, &chosen, try) == ERR_OK)
			return 0;
	}
	return -EADDRNOTAVAIL;
}

static int start_connecting(struct socket *s, const ip_addr_t *address, uint16_t port)
{
	int error;

	address = address_to(address, &s->tcp->local_ip);
	if (ip_addr_ismulticast(address) || (IP_IS_V4(address) && s->v6only))
		return -ENETUNREACH;
	error = port ? socket_check_route(address) : -ECONNREFUSED;
	if (!error)
		error = choose_end(s->tcp, address, port);
	if (error)
		return error;
	stream_remember_end(s);
	shared_set(s->state, SOCKET_CONNECTING);
	error = socket_error(tcp_connect(s->tcp, address, port, on_connected));
	if (error)
		shared_set(s->state, SOCKET_NEW);
	return error;
}

/* After a connection was refused, or a listener shut down, there is no pcb. */
static int open_again(struct socket *s)
{
	int error;

	lock(&s->lock);
	error = socket_take_error(s); /* of the attempt before, when nobody has asked for it */
	unlock(&s->lock);
	if (error || s->tcp)
		return error;
	error = make_pcb(s);
	if (error)
		return error;
	if (s->nodelay)
		tcp_nagle_disable(s->tcp);
	s->ended = false;
	return 0;
}

int stream_connect(struct socket *s, const ip_addr_t *address, uint16_t port, bool may_wait)
{
	static const int8_t why_not[] = {[SOCKET_LISTENING] = EOPNOTSUPP,
					 [SOCKET_CONNECTING] = EALREADY,
					 [SOCKET_CONNECTED] = EISCONN,
					 [SOCKET_ENDED] = EINVAL};
	uint64_t deadline = socket_deadline(shared_get(s->send_timeout));
	int error;

	if (wait_cancelled())
		return -ECANCELED;
	net_lock();
	error = shared_get(s->state) == SOCKET_NEW ? open_again(s) : -why_not[shared_get(s->state)];
	if (!error)
		error = start_connecting(s, address, port);
	net_loop();
	if (!error && shared_get(s->state) == SOCKET_CONNECTING && !may_wait)
		error = -EINPROGRESS;
	while (!error && shared_get(s->state) == SOCKET_CONNECTING)
		error = s->closed ? -EBADF : socket_wait_net(s, &s->writers, deadline);
	if (error == -EAGAIN)
		error = -EINPROGRESS; /* it goes on */
	if (!error || error == -EINVAL) {
		lock(&s->lock);
		error = s->error ? socket_take_error(s) : error;
		unlock(&s->lock);
	}
	net_unlock();
	return error;
}

/* ---- The end -------------------------------------------------------------------------------- */

/* SO_LINGER: waits until everything has been acknowledged. */
static void linger(struct socket *s)
{
	uint64_t deadline = socket_deadline((uint64_t)s->linger.l_linger * NSEC_PER_SEC);

	tcp_output(s->tcp);
	net_loop();
	while (s->tcp && (s->tcp->unsent || s->tcp->unacked))
		if (socket_wait_net(s, &s->writers, deadline))
			break;
}

static void close_connection(struct socket *s, bool abort)
{
	struct tcp_pcb *pcb;

	stream_told(s); /* lwIP resets a connection of which not everything has been read */
	pcb = stream_detach(s);
	if (!pcb)
		return;
	if (pcb->state == LISTEN) {
		demux_all(); /* what it has not accepted yet forgets it */
		guard_close(s);
	} else {
		demux_pick_pcb(pcb);
		tcp_free_ooseq(pcb);
	}
	if (abort || tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

/* Those that nobody has accepted. */
static void close_accepted(struct socket *s)
{
	struct socket *accepted, *next;

	lock(&s->lock);
	accepted = s->first_accepted;
	s->first_accepted = s->last_accepted = NULL;
	unlock(&s->lock);
	for (; accepted; accepted = next) {
		next = accepted->next_accepted;
		close_connection(accepted, true);
		stream_free(accepted);
		heap_free(accepted);
	}
}

/* Those who wait in accept get EINVAL. */
static void stop_listening(struct socket *s)
{
	close_connection(s, false);
	close_accepted(s);
	lock(&s->lock);
	shared_set(s->received, 0);
	shared_set(s->state, SOCKET_NEW);
	socket_wake_all(s);
}

int stream_shutdown(struct socket *s, int how)
{
	int error = 0;

	net_lock();
	if (shared_get(s->state) == SOCKET_LISTENING) {
		if (how != SHUT_WR)
			stop_listening(s);
		net_unlock();
		return 0;
	}
	if (shared_get(s->state) != SOCKET_CONNECTED || !s->tcp) {
		net_unlock();
		return -ENOTCONN;
	}
	if (how != SHUT_RD && !s->sent_all) {
		demux_pick_pcb(s->tcp);
		error = socket_error(tcp_shutdown(s->tcp, 0, 1));
		s->sent_all = true;
	}
	lock(&s->lock);
	if (how != SHUT_WR)
		s->ended = true;
	socket_wake_all(s);
	net_unlock();
	return error;
}

void stream_close(struct socket *s)
{
	if (shared_get(s->state) == SOCKET_CONNECTED && s->linger.l_onoff &&
	    s->linger.l_linger > 0 && s->tcp)
		linger(s);
	close_connection(s, shared_get(s->state) == SOCKET_CONNECTED && s->linger.l_onoff &&
				    s->linger.l_linger == 0);
	close_accepted(s);
	shared_set(s->state, SOCKET_ENDED);
}
