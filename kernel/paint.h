/*
 * BUILD=painted: stacks of a fixed size (exact.c) are painted, and looked at whenever their coroutine
 * stops, and at its end. They get some room below what tools/stackdepth found, so that what goes too
 * deep is caught and does no harm before.
 */
#ifndef KERNEL_PAINT_H
#define KERNEL_PAINT_H

#include <stddef.h>

struct co;

#ifdef VOLE_PAINTED

enum { PAINT_ROOM = 256 };

/* The stack of co, which is new, may be used down to bound bytes from its top. */
void paint(struct co *co, size_t bound);

/* Panics where it has been used below. co does not run. */
void paint_check(const struct co *co);

#else

enum { PAINT_ROOM = 0 };

static inline void paint(struct co *co, size_t bound)
{
	(void)co;
	(void)bound;
}

static inline void paint_check(const struct co *co)
{
	(void)co;
}

#endif

#endif
