/* Sockets of the host, for coroutines: what the files net*.c tell each other. */
#ifndef HOST_NET_H
#define HOST_NET_H

#include <sys/uio.h>
#include <vole/sync.h>

#include "sync/wait.h"

enum { ENDPOINTS = 1 << 16 };

/* What is the same for all descriptors of a socket, as the application wants it. Its memory is
 * always one of these, so who comes late may look. */
struct settings {
	_Atomic uint32_t descriptors;
	_Atomic bool nonblocking;
	_Atomic bool datagrams;                     /* constant while there is a descriptor */
	_Atomic uint64_t receive_limit, send_limit; /* ns; 0: none */
	_Atomic long error;    /* came when a part had been sent: the next call tells it */
	struct settings *next; /* in the list of those that are free */
};

/* A descriptor that coroutines wait for. A socket is for Linux non-blocking, always. */
struct endpoint {
	struct spinlock lock;
	/* guarded by lock */
	bool known; /* to epoll; of sockets only */
	bool closing;
	uint32_t events; /* that epoll tells of; of others only */
	struct wait_queue waiters;
	/* written with the lock held; net_close takes it after it has written open */
	_Atomic bool open;
	_Atomic uint32_t edges;              /* how often epoll has told of it */
	_Atomic(struct settings *) settings; /* of sockets; set before it is open */
	struct mutex reading, writing;       /* of what is not a socket: see input.c */
};

/* Of a socket. Another coroutine may close it meanwhile, and somebody open it again: those of one of them. */
static inline struct settings *settings_of(const struct endpoint *e)
{
	return atomic_load_explicit(&e->settings, memory_order_relaxed);
}

/* NULL: not one of ours, which are sockets. */
struct endpoint *net_endpoint(int fd);

/* What epoll tells of fd, whatever that is; NULL: it is not known by its number. */
struct endpoint *net_any(int fd);

/* Makes fd, which is a new socket of this type, an endpoint. fd, also where it is an error;
 * -EMFILE: too large, closed. */
long net_open(long fd, int type);

/* The same of a descriptor that is a copy of fd's. */
long net_open_copy(long copy, int fd);

/* Closes the socket: who waits for it gets -EBADF. Its number is still taken; the caller closes that. 0;
 * -EBADF: somebody else closes it. */
int net_close(int fd);

/* One of the endpoints that a coroutine waits for at once. */
struct net_watch {
	struct wait_node node;
	struct endpoint *endpoint;
	uint32_t seen;   /* its edges, before it was tried in vain */
	bool other;      /* than a socket */
	uint32_t events; /* of another: what is waited for, EPOLLIN, ... */
};

/* Waits until epoll has told something new of one of them. 0, -ETIMEDOUT, -ECANCELED, -EBADF. */
int net_wait(struct net_watch *watches, size_t n, uint64_t deadline);

/* Reads what is not a socket, and waits as a coroutine does. Bytes, or a negative errno value. */
long net_read_other(int fd, const struct iovec *parts, int count);

/* Writes what is not a socket; to a pipe that is full it waits as a coroutine does. */
long net_write_other(int fd, const struct iovec *parts, int count);

/* What a wrapper returns: n, or -1 with errno set. */
long net_result(long n);

#endif
