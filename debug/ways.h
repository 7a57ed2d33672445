/*
 * Who waits for whom in a deadlock, as a graph with three sorts of nodes: coroutines, blocks of the heap, and things
 * that coroutines wait for. A coroutine leads
 *
 *	to a mutex that it holds, and by the words of its stack, and of what they point to,
 *	to a channel, waitgroup or the like: it may wake who waits there, as far as can be seen;
 *
 * and what is waited for leads to those that wait for it. Who waits for a mutex waits for its holder only. The
 * image's variables, which everybody can find, lead to nothing by themselves: else all would wait for all.
 */
#ifndef DEBUG_WAYS_H
#define DEBUG_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "debug/reach.h"

struct co;

struct node {
	uintptr_t at;    /* a thing's is its index */
	uint32_t number; /* below ways_nodes() */
	uint8_t kind;    /* enum reach_kind, or THING */
};

enum { THING = REACH_CO + 1 };

/* Where a look at what a node leads to is; it begins with the node and zeros. */
struct step {
	struct node node;
	uint8_t phase; /* of its ways */
	bool first;    /* knot.c's */
	uint32_t way;  /* in the phase */
};

/* In a panic. False: there is no memory for this and per_node bytes for each node; *bytes is how much it takes. */
bool ways_begin(size_t per_node, size_t *bytes);
size_t ways_nodes(void);

/* The coroutines that wait, by their ids. */
size_t ways_count(void);
struct co *ways_co(size_t i);

/* False: co is none that can be reached. */
bool ways_co_node(struct node *node, const struct co *co);

/* The next node that step leads to; of a thing, the next that waits for it. False: there is no more. */
bool ways_next(struct step *step, struct node *node);
bool ways_next_waiter(struct node *node, size_t thing, uint32_t *way);

/* co waits for thing. */
bool ways_waits(const struct co *co, size_t thing);

/* Who holds what co waits for; NULL: that is not known. */
struct co *ways_holder(const struct co *co);

#endif
