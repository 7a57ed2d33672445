/*
 * Channels: Go's. FIFO, values copied, handed straight to a peer that waits.
 * Any coroutine may call; the try_ forms also a function of irq_defer.
 */
#ifndef VOLE_CHAN_H
#define VOLE_CHAN_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chan;

/* NULL with errno EINVAL (sizes overflow, elem_size above 64 KB) or ENOMEM. */
struct chan *chan_make(size_t elem_size, size_t capacity);
#define chan_of(T, capacity) chan_make(sizeof(T), (capacity))

/* Panics while a coroutine waits on it. NULL: nothing. */
void chan_free(struct chan *c);

/* Wakes every waiter. 0; -EPIPE: closed already; -EINVAL: NULL. */
int chan_close(struct chan *c);

/* Values in the buffer, and how many it can hold; 0 for NULL. */
size_t chan_len(const struct chan *c);
size_t chan_cap(const struct chan *c);

/*
 * Send: 0; -EPIPE: closed; -ECANCELED; -EINVAL: no channel, or no elem.
 * Receive: 0; -EPIPE: closed and drained, *elem zeroed; -ECANCELED; -EINVAL.
 * The try_ forms never wait: -EAGAIN. The _until forms give up at the deadline: -ETIMEDOUT.
 * elem points to a value of the channel's element size, or panic; a void * is taken as it is.
 */
#define chan_send(c, elem)     chan_send_sized((c), (elem), CHAN_SIZEOF(elem))
#define chan_recv(c, elem)     chan_recv_sized((c), (elem), CHAN_SIZEOF(elem))
#define chan_try_send(c, elem) chan_try_send_sized((c), (elem), CHAN_SIZEOF(elem))
#define chan_try_recv(c, elem) chan_try_recv_sized((c), (elem), CHAN_SIZEOF(elem))
#define chan_send_until(c, elem, deadline) \
	chan_send_until_sized((c), (elem), CHAN_SIZEOF(elem), (deadline))
#define chan_recv_until(c, elem, deadline) \
	chan_recv_until_sized((c), (elem), CHAN_SIZEOF(elem), (deadline))

/* The size of what elem points to; CHAN_UNCHECKED for a void *. */
#define CHAN_UNCHECKED SIZE_MAX
#ifdef __cplusplus
extern "C++" {
template <typename T> constexpr size_t chan_sizeof(const volatile T *)
{
	return sizeof(T);
}

constexpr size_t chan_sizeof(const volatile void *)
{
	return CHAN_UNCHECKED;
}
}
#define CHAN_SIZEOF(elem) chan_sizeof(elem)
#else
#define CHAN_SIZEOF(elem) \
	_Generic((elem), void *: CHAN_UNCHECKED, const void *: CHAN_UNCHECKED, \
		 default: sizeof *(elem))
#endif

int chan_send_sized(struct chan *c, const void *elem, size_t size);
int chan_recv_sized(struct chan *c, void *elem, size_t size);
int chan_try_send_sized(struct chan *c, const void *elem, size_t size);
int chan_try_recv_sized(struct chan *c, void *elem, size_t size);
int chan_send_until_sized(struct chan *c, const void *elem, size_t size, uint64_t deadline);
int chan_recv_until_sized(struct chan *c, void *elem, size_t size, uint64_t deadline);

enum select_op { SELECT_NONE = 0, SELECT_RECV, SELECT_SEND };

struct select_case {
	struct chan *chan; /* NULL: never ready */
	enum select_op op;
	void *elem; /* of a receive: may be NULL */
	int status; /* of the case that happened: 0, or -EPIPE: its channel was closed */
};

/* Makes exactly one case happen, chosen by chance among the ready ones: its index. -EAGAIN (try),
 * -ETIMEDOUT, -ECANCELED: none, and nothing was changed. -EINVAL: a negative n, more than 65,536
 * cases, an unknown op. -ENOMEM only above 16 cases. */
int chan_select(struct select_case *cases, int n);
int chan_try_select(struct select_case *cases, int n);
int chan_select_until(struct select_case *cases, int n, uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
