/* The inside of a channel, for chan.c and select. */
#ifndef SYNC_CHAN_H
#define SYNC_CHAN_H

#include <vole/chan.h>

#include "kernel/lock.h"
#include "sync/wait.h"

struct chan {
	struct spinlock lock;
	bool closed;        /* guarded by lock, as the rest that is not constant */
	size_t elem_size;   /* constant */
	size_t capacity;    /* constant */
	size_t count, head; /* values in the buffer, and where the oldest is */
	struct wait_queue senders, receivers;
	struct chan_timer *timer; /* of time_after; constant */
	char buffer[] __attribute__((aligned(16)));
};

/* A select; on the stack of its coroutine. */
struct select {
	struct co *co; /* debug/ways.c finds it by this and the next */
	const struct select *self;
	struct select_case *cases;
	int n;
	int channels;
	struct chan **order;     /* each channel once, by address */
	struct wait_node *nodes; /* one for each case */
};

/* With the lock held, what can happen at once: 0, -EPIPE, or -EAGAIN. *wake: a peer that is to be
 * made ready when the lock has been given back. */
struct co;
int chan_send_now(struct chan *c, const void *elem, struct co **wake);
int chan_recv_now(struct chan *c, void *elem, struct co **wake);

/* chan_free of a channel that time_after made. */
void chan_timer_free(struct chan *c);

#endif
