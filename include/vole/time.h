/* Time: nanoseconds of the monotonic clock since the machine was switched on. */
#ifndef VOLE_TIME_H
#define VOLE_TIME_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Anywhere; monotonic across cores. */
uint64_t time_now(void);

/* 0; -ECANCELED. 0 ns, and a deadline in the past, return at once. */
int time_sleep(uint64_t ns);
int time_sleep_until(uint64_t deadline);

/* Runs a function in a new coroutine, once or again and again. */
struct timer {
	struct wheel_node node; /* first */
	struct spinlock lock;   /* one start or stop at a time */
	uint32_t started_at;    /* for the coroutines that it starts */
	/* set while not pending */
	uint64_t period;
	go_fn *fn;
	void *arg;
};

/* fn(arg) at deadline, and every period after it; period 0: once. A pending timer is moved. Any
 * core, also from fn. Runs of a periodic one may overlap; periods missed are skipped. */
void timer_start(struct timer *t, uint64_t deadline, uint64_t period, go_fn *fn, void *arg);

/* True: it was pending and will not fire. False: fn has been started, perhaps not ended. */
bool timer_stop(struct timer *t);

/* A channel of uint64_t that gets time_now() once, in ns from now; chan_free it, fired or not. NULL
 * with errno ENOMEM. */
struct chan *time_after(uint64_t ns);

/* A channel of uint64_t that gets time_now() every period; slow receivers miss ticks. */
struct ticker {
	struct chan *chan;
	struct wheel_node node;
	uint64_t period;
};

/* Makes the channel. 0, -ENOMEM, -EINVAL: a period of 0. */
int ticker_start(struct ticker *t, uint64_t period);

/* Frees the channel. */
void ticker_stop(struct ticker *t);

#ifdef __cplusplus
}
#endif

#endif
