/* The inside of a channel, for chan.c and select. */
#ifndef KERNEL_CHAN_H
#define KERNEL_CHAN_H

#include <vole/chan.h>

#include "kernel/lock.h"
#include "kernel/wait.h"

struct chan {
	struct spinlock lock;
	bool closed; /* guarded by lock, as the rest that is not constant */
	size_t elem_size; /* constant */
	size_t capacity;  /* constant */
	size_t count, head; /* values in the buffer, and where the oldest is */
	struct wait_queue senders, receivers;
	char buffer[] __attribute__((aligned(16)));
};

#endif
