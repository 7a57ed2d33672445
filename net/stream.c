/*
 * The data of TCP sockets, over lwIP's raw interface. lwIP calls back under net_lock: what comes goes into the
 * socket's queue, from which readers take it without net_lock. lwIP's window opens again when it is
 * told that data has been taken: that waits until it is worth a lock, or the lock is held anyway.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <lwip/tcp.h>

#include "kernel/heap.h"
#include "net/guard.h"
#include "net/socket.h"

enum { TELL_AFTER = TCP_WND / 4, WRITE_MAX = 0xffff, GATHERED = 512 };

/* ---- What lwIP calls ------------------------------------------------------------------------ */

void stream_told(struct socket *s)
{
	uint32_t n = atomic_exchange_explicit(&s->taken, 0, memory_order_relaxed);

	assert_net_locked();
	while (s->tcp && n > 0) {
		uint16_t piece = n < WRITE_MAX ? (uint16_t)n : WRITE_MAX;

		tcp_recved(s->tcp, piece);
		n -= piece;
	}
}

void stream_remember_end(struct socket *s)
{
	s->last_ip = s->tcp->local_ip;
	s->last_port = s->tcp->local_port;
}

struct tcp_pcb *stream_detach(struct socket *s)
{
	struct tcp_pcb *pcb = s->tcp;

	if (!pcb)
		return NULL;
	s->tcp = NULL;
	tcp_arg(pcb, NULL);
	if (pcb->state == LISTEN) {
		tcp_accept(pcb, NULL);
		return pcb;
	}
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	return pcb;
}

/* Socket's lock held: a chain of lwIP's, each pbuf for itself; but short ones behind each other in
 * one, or a peer that sends byte by byte would fill a hundred times its window. */
static void append_data(struct socket *s, struct pbuf *p)
{
	for (struct pbuf *next, *gathered; p; p = next) {
		next = p->next;
		p->next = NULL;
		p->tot_len = p->len;
		if (p->len == 0) { /* of a header that came in a fragment of its own */
			pbuf_free(p);
			continue;
		}
		shared_add(s->received, p->len);
		if (!s->last)
			s->spare = 0;
		if (p->len <= s->spare) {
			memcpy((char *)s->last->payload + s->last->len, p->payload, p->len);
			s->last->len += p->len;
			s->last->tot_len = s->last->len;
			s->spare -= p->len;
			pbuf_free(p);
			continue;
		}
		s->spare = 0;
		gathered = p->len < GATHERED / 4 ? pbuf_alloc(PBUF_RAW, GATHERED, PBUF_RAM) : NULL;
		if (gathered) {
			memcpy(gathered->payload, p->payload, p->len);
			gathered->len = gathered->tot_len = p->len;
			s->spare = GATHERED - p->len;
			pbuf_free(p);
			p = gathered;
		}
		if (s->last)
			s->last->next = p;
		else
			s->first = p;
		s->last = p;
	}
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct socket *s = arg;

	(void)err;
	stream_told(s);
	lock(&s->lock);
	if (!p) {
		s->ended = true;
		if (s->sent_all) { /* lwIP will free the pcb after a while and not tell */
			stream_detach(s);
			shared_set(s->state, SOCKET_ENDED);
		}
	} else if (s->ended) { /* shut for reading */
		tcp_recved(pcb, p->tot_len);
		pbuf_free(p);
	} else {
		append_data(s, p);
	}
	socket_wake(s, &s->readers);
	return ERR_OK;
}

static err_t on_acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n)
{
	struct socket *s = arg;

	(void)n;
	if (s->closed || (!s->writable && guard_roomy(pcb))) {
		lock(&s->lock);
		s->writable = true;
		socket_wake(s, &s->writers);
	}
	return ERR_OK;
}

/* The pcb is gone. */
static void on_error(void *arg, err_t err)
{
	struct socket *s = arg;
	bool never = shared_get(s->state) == SOCKET_CONNECTING;

	s->tcp = NULL;
	lock(&s->lock);
	if (never && err == ERR_RST)
		s->error = -ECONNREFUSED;
#ifdef PLANT_LOST_RESET
	else if (err == ERR_RST)
		s->error = 0;
#endif
	else if (err != ERR_CLSD)
		s->error = socket_error(err);
	shared_set(s->state, never ? SOCKET_NEW : SOCKET_ENDED); /* it may try again */
	s->ended = !never;
	socket_wake_all(s);
}

void stream_attach(struct socket *s, struct tcp_pcb *pcb)
{
	s->tcp = pcb;
	stream_remember_end(s);
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_receive);
	tcp_sent(pcb, on_acknowledged);
	tcp_err(pcb, on_error);
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* Why nothing can be sent; 0: it can, when there is room. An error that comes after a part was sent
 * is left for the next call to tell. */
static int check_send(struct socket *s, bool first)
{
	int error;

	lock(&s->lock);
	error = first ? socket_take_error(s) : s->closed ? -EBADF : s->error;
	unlock(&s->lock);
	if (error)
		return error;
	if (shared_get(s->state) == SOCKET_NEW || shared_get(s->state) == SOCKET_LISTENING)
		return -ENOTCONN;
	return s->sent_all || shared_get(s->state) == SOCKET_ENDED ? -EPIPE : 0;
}

/* Gives lwIP of n bytes what it takes; how much that is, or -ENOBUFS: no memory at all. */
static ssize_t push_data(struct tcp_pcb *pcb, struct parts *parts, size_t n)
{
	size_t done = 0, room = guard_room(pcb);

	while (done < n && done < room) {
		struct parts before = *parts;
		size_t most = guard_write_max(pcb) < WRITE_MAX ? guard_write_max(pcb) : WRITE_MAX;
		size_t piece = room - done < most ? room - done : most;
		void *data = parts_next(parts, &piece);
		int more = done + piece < n ? TCP_WRITE_FLAG_MORE : 0;

		if (tcp_write(pcb, data, (uint16_t)piece, (uint8_t)(TCP_WRITE_FLAG_COPY | more))) {
			*parts = before;
			break;
		}
		done += piece;
	}
	return n > 0 && done == 0 && !pcb->unsent && !pcb->unacked ? -ENOBUFS : (ssize_t)done;
}

/* Sends of n bytes what there is room for, or is room for soon; how much that is, or -ENOBUFS. */
static ssize_t send_now(struct socket *s, struct parts *parts, size_t n)
{
	size_t done = 0;
	ssize_t got;

	do {
		stream_told(s);
		got = push_data(s->tcp, parts, n - done);
		if (got < 0)
			return done ? (ssize_t)done : got;
		done += (size_t)got;
		if (done == n)
			break;
		tcp_output(s->tcp);
		net_loop();
	} while (got > 0 && s->tcp && guard_roomy(s->tcp));
	return (ssize_t)done;
}

static int wait_for_room(struct socket *s, int flags, uint64_t *deadline)
{
	lock(&s->lock);
	s->writable = false;
	unlock(&s->lock);
	if (flags & MSG_DONTWAIT)
		return -EAGAIN;
	if (!*deadline)
		*deadline = socket_deadline(shared_get(s->send_timeout));
	return socket_wait_net(s, &s->writers, *deadline);
}

ssize_t stream_send(struct socket *s, struct parts parts, int flags)
{
	uint64_t deadline = 0;
	size_t want = parts_size(parts.part, parts.left), done = 0;
	ssize_t error;

	if (wait_cancelled())
		return -ECANCELED;
	net_lock();
	do {
		error = check_send(s, done == 0);
		if (!error && shared_get(s->state) == SOCKET_CONNECTED) {
			error = send_now(s, &parts, want - done);
			if (error >= 0)
				done += (size_t)error;
		}
		if (error < 0 || done == want)
			break;
		/* Without a pcb its end has come meanwhile, which the next look tells. */
		error = s->tcp ? wait_for_room(s, flags, &deadline) : 0;
	} while (!error);
	if (done > 0 && s->tcp && !(flags & MSG_MORE))
		tcp_output(s->tcp);
	if (s->tcp && shared_get(s->state) == SOCKET_CONNECTED && !guard_roomy(s->tcp)) {
		lock(&s->lock);
		s->writable = false;
		unlock(&s->lock);
	}
	net_unlock();
	if (done > 0)
		return (ssize_t)done;
	return error;
}

/* ---- Receiving ------------------------------------------------------------------------------ */

/* Lock held: copies up to n bytes, which stay. */
static size_t peek_data(const struct socket *s, struct parts parts, size_t n)
{
	size_t done = 0;

	for (const struct pbuf *p = s->first; p && done < n; p = p->next) {
		size_t piece = p->len < n - done ? p->len : n - done;

		parts_put(&parts, p->payload, piece);
		done += piece;
	}
	return done;
}

/* Lock held, is given back: moves up to n bytes. Whole pbufs are copied without the lock. */
static size_t take_data(struct socket *s, struct parts *parts, size_t n)
{
	struct pbuf *whole = s->first, *p = NULL, *next;
	size_t size = 0, rest;

	while (s->first && s->first->len <= n - size) {
		p = s->first;
		size += p->len;
		s->first = p->next;
	}
	if (p)
		p->next = NULL;
	else
		whole = NULL;
	rest = s->first ? n - size : 0;
	if (rest > 0) {
		struct parts behind = *parts;

		parts_skip(&behind, size);
		parts_put(&behind, s->first->payload, rest);
#ifndef PLANT_READ_TWICE
		s->first->payload = (char *)s->first->payload + rest;
		s->first->len -= (uint16_t)rest;
		s->first->tot_len = s->first->len;
#endif
	}
	if (!s->first)
		s->last = NULL;
	shared_add(s->received, -(size + rest));
	unlock(&s->lock);

	for (p = whole; p; p = next) {
		next = p->next;
		p->next = NULL;
		parts_put(parts, p->payload, p->len);
		pbuf_free(p);
	}
	parts_skip(parts, rest);
	return size + rest;
}

/* Opens the window for n more bytes: now, or with the next call that takes net_lock. */
static void data_taken(struct socket *s, size_t n)
{
	uint32_t sum = atomic_fetch_add_explicit(&s->taken, (uint32_t)n, memory_order_relaxed);

	if (sum + n < TELL_AFTER)
		return;
	net_lock();
	stream_told(s);
	net_unlock();
}

/* Lock held, is given back: waits for data. 0: look again. */
static int wait_for_data(struct socket *s, int flags, uint64_t deadline)
{
	int error = socket_take_error(s);

	if (!error &&
	    (shared_get(s->state) == SOCKET_NEW || shared_get(s->state) == SOCKET_LISTENING))
		error = -ENOTCONN;
	if (!error && (flags & MSG_DONTWAIT))
		error = -EAGAIN;
	if (!error)
		return socket_wait(s, &s->readers, deadline);
	unlock(&s->lock);
	return error;
}

ssize_t stream_receive(struct socket *s, struct parts parts, int flags)
{
	uint64_t deadline = 0;
	size_t n = parts_size(parts.part, parts.left), done = 0;

	if (wait_cancelled())
		return -ECANCELED;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		int error;

		lock(&s->lock);
		if (s->first && (n == 0 || (flags & MSG_PEEK))) {
			done = peek_data(s, parts, n);
			unlock(&s->lock);
			break;
		}
		if (s->first) {
			size_t got = take_data(s, &parts, n - done);

			data_taken(s, got);
			done += got;
			continue;
		}
		if (n == 0 || (s->ended && !s->error) || (done > 0 && s->error)) {
			unlock(&s->lock);
			break;
		}
		if (!deadline)
			deadline = socket_deadline(shared_get(s->receive_timeout));
		error = wait_for_data(s, flags, deadline);
		if (error && done == 0)
			return error;
		if (error)
			break;
	} while (done == 0 || ((flags & MSG_WAITALL) && done < n));
	return (ssize_t)done;
}

void stream_free(struct socket *s)
{
	struct pbuf *p, *next;

	for (p = s->first; p; p = next) {
		next = p->next;
		p->next = NULL;
		pbuf_free(p);
	}
}
