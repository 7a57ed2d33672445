/*
 * Timers that start coroutines, and those that send into channels. They fire under the lock of
 * their wheel, so wheel_stop that finds one not pending knows that its firing is over.
 */
#include <errno.h>

#include <vole/chan.h>
#include <vole/time.h>

#include "debug/calls.h"
#include "debug/order.h"
#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/heap.h"
#include "kernel/sched.h"
#include "kernel/wheel.h"
#include "sync/chan.h"

/* The next deadline of a periodic timer after now: those that were missed are skipped. */
static uint64_t next_deadline(uint64_t deadline, uint64_t period, uint64_t now)
{
	uint64_t missed = (now - deadline) / period, next;

	if (__builtin_mul_overflow(missed + 1, period, &next) ||
	    __builtin_add_overflow(deadline, next, &next))
		return TIME_NEVER;
	return next;
}

/* As go(t->fn, t->arg), to the back of the queue. */
static bool start_last(const struct timer *t)
{
	struct co *co = co_make(t->fn, t->arg, stack_bound(t->fn), 0, NULL);

	if (co) {
		co->started_at = t->started_at;
		order_in_of(co, t);
		sched_ready_last(co);
	}
	return co;
}

static void timer_call(struct wheel_node *node, uint64_t now)
{
	struct timer *t = (struct timer *)node;
	uint64_t period = t->period; /* one that fires once may be freed by fn, from here on */

	if (!start_last(t))
		wheel_again(node, now + NSEC_PER_MSEC);
	else if (period)
		wheel_again(node, next_deadline(node->deadline, period, now));
}

void timer_start(struct timer *t, uint64_t deadline, uint64_t period, go_fn *fn, void *arg)
{
	call_outside_handler("timer_start");
	if (!fn)
		panic("timer_start: no function for timer %p", (void *)t);
	order_out(t);
	lock(&t->lock);
	if (t->node.core)
		wheel_stop(&t->node);
	t->node.deadline = deadline;
	t->node.fire = timer_call;
	t->started_at = CO_CALLED_AT;
	t->period = period;
	t->fn = fn;
	t->arg = arg;
	if (deadline != TIME_NEVER)
		wheel_start(&t->node);
	unlock(&t->lock);
}

bool timer_stop(struct timer *t)
{
	bool pending;

	call_outside_handler("timer_stop");
	lock(&t->lock);
	pending = t->node.core && wheel_stop(&t->node);
	if (pending) {
		t->node.core = NULL; /* nor does it fire now: timer_start need not ask */
	} else if (t->fn && shared_get(t->node.deadline) == TIME_NEVER) { /* it is in no wheel */
		t->node.deadline = 0;
		pending = true;
	}
	unlock(&t->lock);
	return pending;
}

/* The time into a channel of capacity 1; who has not taken the last one misses this one. */
static inline __attribute__((always_inline)) void send_time(struct chan *c, uint64_t now)
{
	struct co *wake = NULL;

	spin_lock(&c->lock);
	chan_send_now(c, &now, &wake);
	spin_unlock(&c->lock);
	if (wake)
		sched_ready_last(wake);
}

struct chan_timer {
	struct wheel_node node; /* first: fire casts */
	struct chan *chan;
};

static void after_fire(struct wheel_node *node, uint64_t now)
{
	send_time(((struct chan_timer *)node)->chan, now);
}

struct chan *time_after(uint64_t ns)
{
	call_outside_handler("time_after");

	uint64_t now = arch_clock();
	struct chan *c = chan_of(uint64_t, 1);
	struct chan_timer *timer = c ? heap_alloc(sizeof(*timer)) : NULL;

	if (!timer) {
		chan_free(c);
		errno = ENOMEM;
		return NULL;
	}
	memory_owed(timer);
	*timer = (struct chan_timer){.node.fire = after_fire, .chan = c};
	c->timer = timer;
	preempt_disable();
	timer->node.deadline = ns < TIME_NEVER - now ? now + ns : TIME_NEVER;
	timer->node.core = core_here();
	if (timer->node.deadline != TIME_NEVER)
		wheel_start(&timer->node);
	preempt_enable();
	return c;
}

void chan_timer_free(struct chan *c)
{
	preempt_disable();
	wheel_stop(&c->timer->node);
	preempt_enable();
	heap_free(c->timer);
}

static void ticker_fire(struct wheel_node *node, uint64_t now)
{
	struct ticker *t = (struct ticker *)((char *)node - offsetof(struct ticker, node));

	send_time(t->chan, now);
	wheel_again(node, next_deadline(node->deadline, t->period, now));
}

int ticker_start(struct ticker *t, uint64_t period)
{
	call_outside_handler("ticker_start");

	uint64_t now = arch_clock();

	if (period == 0)
		return -EINVAL;
	*t = (struct ticker){.chan = chan_of(uint64_t, 1), .period = period};
	if (!t->chan)
		return -ENOMEM;
	preempt_disable();
	t->node.fire = ticker_fire;
	t->node.core = core_here();
	t->node.deadline = period < TIME_NEVER - now ? now + period : TIME_NEVER;
	if (t->node.deadline != TIME_NEVER)
		wheel_start(&t->node);
	preempt_enable();
	return 0;
}

void ticker_stop(struct ticker *t)
{
	call_outside_handler("ticker_stop");
	if (!t->chan)
		return;
	preempt_disable();
	wheel_stop(&t->node);
	preempt_enable();
	chan_free(t->chan);
	t->chan = NULL;
}
