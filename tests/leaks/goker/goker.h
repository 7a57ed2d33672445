/*
 * For the programs beside this: what Go has, in few words. Each program is the bug of that name in GoBench's
 * GoKer (Yuan and others, "GoBench: A Benchmark Suite of Real-World Go Concurrency Bugs", 2021), told anew with
 * what matters of it, and so that its coroutines always meet in the order that makes them wait for ever.
 */
#ifndef GOKER_H
#define GOKER_H

#include <stdlib.h>
#include <vole.h>

/* Channels whose values do not matter. */
#define signals(capacity) chan_make(0, capacity)
#define give(c)           chan_send((c), (void *)NULL)
#define take(c)           chan_recv((c), (void *)NULL)
#define RECEIVE(c) \
	{ \
		.chan = (c), .op = SELECT_RECV \
	}
#define SEND(c) \
	{ \
		.chan = (c), .op = SELECT_SEND \
	}

#define make_new(type) ((type *)calloc(1, sizeof(type)))

/* Go's mutex belongs to nobody: who locks it twice waits for itself, where Vole's is a panic. */
static inline struct sema *make_lock(void)
{
	struct sema *lock = make_new(struct sema);

	sema_init(lock, 1);
	return lock;
}

/* Returns when a writer waits for m, which the caller has locked for reading. */
static inline void until_writer_waits(struct rwmutex *m)
{
	while (rwmutex_try_rlock(m)) {
		rwmutex_runlock(m);
		time_sleep(NSEC_PER_MSEC / 10);
	}
}

/* For main: by then the others wait. */
static inline int settled(void)
{
	time_sleep(20 * NSEC_PER_MSEC);
	return 0;
}

#endif
