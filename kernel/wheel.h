/*
 * Timers: a hierarchical wheel per core (Varghese and Lauck 1987). Level 0 has a slot for each of
 * the next 64 ticks of 1.024 us, level 1 for each of the next 64 blocks of 64 ticks, and so on.
 * To start and to stop a timer takes the same time however many are pending. A timer moves down a
 * level when time enters its block, and fires at its own nanosecond, never early.
 */
#ifndef KERNEL_WHEEL_H
#define KERNEL_WHEEL_H

#include <stdbool.h>

#include <vole/types.h>

enum { WHEEL_LEVELS = 9, WHEEL_SLOTS = 64, WHEEL_TICK_SHIFT = 10 };

struct core;

struct wheel {
	struct spinlock lock;
	/* guarded by lock */
	uint64_t tick;                   /* all earlier ticks are done */
	uint64_t next;                   /* no timer fires before; read by anyone */
	size_t pending;                  /* read by anyone */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that is not empty */
	struct wheel_link slot[WHEEL_LEVELS][WHEEL_SLOTS]; /* in the order of starting */
};

void wheel_init(struct wheel *wheel);

/* Starts node on this core: node->fire(node, now) is called at node->deadline or later, by the
 * scheduler of this core, with the wheel locked. nopreempt > 0. */
void wheel_start(struct wheel_node *node);

/* From node->fire: starts it again, on the same wheel. */
void wheel_again(struct wheel_node *node, uint64_t deadline);

/* From any core. True: it was pending and will not fire. When false is returned it has fired:
 * node->fire has returned. node->core must be set, by wheel_start. nopreempt > 0. */
bool wheel_stop(struct wheel_node *node);

/* The owner: fires what is due at core->now, in batches; returns when to call again, TIME_NEVER for never. */
uint64_t wheel_serve(struct core *core);

#endif
