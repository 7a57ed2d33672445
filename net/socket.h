/*
 * struct socket: what is behind a descriptor of <sys/socket.h>. It lives as long as its file
 * (libc/file.h). lwIP's part of it, the pcb, is guarded by net_lock; what a reader needs is guarded
 * by a lock of its own, so reading what has come needs no more than that.
 *
 * Invariant: a coroutine that waits for a socket is in one of its queues, and whoever makes true
 * what is waited for claims that queue, and the pollers', under the socket's lock.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "libc/file.h"
#include "net/net.h"
#include "sync/wait.h"

struct netif;
struct tcp_pcb;
struct udp_pcb;
struct half_open;
struct socket;

enum socket_state {
	SOCKET_NEW,
	SOCKET_LISTENING,
	SOCKET_CONNECTING,
	SOCKET_CONNECTED,
	SOCKET_ENDED, /* TCP: there is no connection any more */
};

struct datagram {
	struct datagram *next;
	struct pbuf *p;
	ip_addr_t from;
	uint16_t port;
};

struct socket {
	/* Constant. */
	int family, type;

	/* guarded by net_lock */
	struct tcp_pcb *tcp; /* NULL: not there any more; of a listener: its tcp_pcb_listen */
	struct udp_pcb *udp;
	bool v6only, nodelay, sent_all; /* sent_all: shut for writing */
	bool reuse_port;                /* SO_REUSEPORT; SO_REUSEADDR is lwIP's */
	bool bound;                     /* UDP: bind has chosen the address */
	ip_addr_t last_ip;              /* TCP: its own end, when lwIP's pcb has gone */
	uint16_t last_port;
	bool delayed; /* lwIP counts it in the listener's backlog */
	int backlog;
	struct linger linger;
	struct half_open *first_half_open, **last_half_open; /* see guard.c */

	/* Anyone may look at any time; changed under net_lock. */
	uint8_t state;                          /* enum socket_state */
	uint64_t receive_timeout, send_timeout; /* ns; 0: none */

	struct spinlock lock;
	/* guarded by lock */
	bool ended;                /* nothing more will come */
	bool writable;             /* there is room; changed under net_lock too */
	bool closed;               /* its last descriptor has gone */
	int error;                 /* negative, told once */
	struct pbuf *first, *last; /* TCP: received, each pbuf for itself */
	uint16_t spare;            /* room behind what is in last */
	struct datagram *first_datagram, *last_datagram;
	struct socket *first_accepted, *last_accepted, *next_accepted;
	size_t received; /* bytes in those queues (of TCP's, guard.c looks at it without the lock); of a
			    listener: connections */
	size_t receive_limit;
	struct wait_queue readers, writers, pollers;

	_Atomic uint32_t taken; /* bytes read, of which lwIP has not been told */
};

/* The data of a call: read or written from one end to the other. */
struct parts {
	const struct iovec *part;
	int left;
	size_t offset; /* in the first */
};

size_t parts_size(const struct iovec *part, int count);
/* The next piece, not longer than n; it is taken. NULL: there is none. */
void *parts_next(struct parts *parts, size_t *n);
/* There is room for n more bytes. */
void parts_put(struct parts *parts, const void *data, size_t n);
void parts_skip(struct parts *parts, size_t n);

/* ---- socket.c ---- */

struct socket *socket_make(int family, int type);

/* A descriptor for s, or a negative errno value. */
int socket_descriptor(struct socket *s, int flags);
/* Ends and frees s, which has none. */
void socket_discard(struct socket *s);

/* The socket of fd, with a reference to its file; *error where there is none. */
struct socket *socket_get(int fd, struct file **file, int *error);

/* Lock held, is given back: those who wait in q, and pollers, look again. */
void socket_wake(struct socket *s, struct wait_queue *q);
/* All who wait. */
void socket_wake_all(struct socket *s);

/* Lock held, is given back: waits in q. 0, -EAGAIN: the deadline has come, -ECANCELED. */
int socket_wait(struct socket *s, struct wait_queue *q, uint64_t deadline);
/* The same under net_lock, which is given back meanwhile; the socket's lock is not held. */
int socket_wait_net(struct socket *s, struct wait_queue *q, uint64_t deadline);

/* The error that waits to be told, which it then is no more. Lock held. */
int socket_take_error(struct socket *s);

/* When a call that begins now has to give up. */
uint64_t socket_deadline(uint64_t timeout);

/* lwIP's error as a negative errno value. */
int socket_error(int lwip_error);

/* May it be reached without a card? 0, -ENETDOWN. */
int socket_check_route(const ip_addr_t *to);

/* ---- connection.c: TCP's life ---- */

int stream_open(struct socket *s);
int stream_bind(struct socket *s, const ip_addr_t *address, uint16_t port);
int stream_listen(struct socket *s, int backlog);
int stream_accept(struct socket *s, struct socket **accepted, bool may_wait);
/* Puts back what was accepted: the next call gets it. */
void stream_accept_later(struct socket *s, struct socket *accepted);
int stream_connect(struct socket *s, const ip_addr_t *address, uint16_t port, bool may_wait);
int stream_shutdown(struct socket *s, int how);
void stream_close(struct socket *s); /* net_lock */

/* ---- stream.c: TCP's data ---- */

ssize_t stream_send(struct socket *s, struct parts parts, int flags);
ssize_t stream_receive(struct socket *s, struct parts parts, int flags);
void stream_free(struct socket *s);

/* net_lock: */
void stream_remember_end(struct socket *s); /* once the connection's own end is known */
void stream_attach(struct socket *s, struct tcp_pcb *pcb);
struct tcp_pcb *stream_detach(struct socket *s); /* the pcb, if there is one, goes on without s */
void stream_told(struct socket *s);              /* tells lwIP what has been taken */

/* ---- datagram.c ---- */

int datagram_open(struct socket *s);
int datagram_bind(struct socket *s, const ip_addr_t *address, uint16_t port);
int datagram_connect(struct socket *s, const ip_addr_t *address, uint16_t port);
/* address NULL: to where it is connected. */
ssize_t datagram_send(struct socket *s, struct parts parts, int flags, const ip_addr_t *address,
		      uint16_t port);
ssize_t datagram_receive(struct socket *s, struct parts parts, int *flags, ip_addr_t *from,
			 uint16_t *port);
/* net_lock: the remote end says that nobody listens there. */
void datagram_refused(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		      uint16_t remote_port);
int datagram_shutdown(struct socket *s, int how);
void datagram_close(struct socket *s); /* net_lock */
void datagram_free(struct socket *s);

/* ---- resolve.c ---- */

/* Asks DNS for an address of a family. 0, EAI_... */
int resolve(const char *name, int family, ip_addr_t *address);

/* ---- address.c ---- */

/* What address says, for a socket of a family: -EINVAL, -EAFNOSUPPORT. */
int address_get(int family, const struct sockaddr *address, socklen_t size, ip_addr_t *ip,
		uint16_t *port);
/* The other way, cut at *size, which becomes what there is. address may be NULL. */
void address_put(int family, const ip_addr_t *ip, uint16_t port, struct sockaddr *address,
		 socklen_t *size);
/* Where to send what is for address: the wildcard stands for own, the sender's, or the loopback. */
const ip_addr_t *address_to(const ip_addr_t *address, const ip_addr_t *own);
/* What the sender of something for address is, by this way. */
const ip_addr_t *address_from(struct netif *netif, const ip_addr_t *address);
/* It is one of this machine's, or stands for all of them. */
bool address_is_own(const ip_addr_t *ip);

#endif
