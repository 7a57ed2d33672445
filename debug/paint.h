/*
 * What goes below an exact stack (exact.c) writes over somebody else's memory. In every build but
 * release a canary lies at its lower end, and is looked at when its coroutine stops and when it ends.
 *
 * BUILD=painted: stacks of a fixed size (exact.c) are painted, and looked at whenever their coroutine
 * stops, and at its end. They get some room below what tools/stackdepth found, so that what goes too
 * deep is caught and does no harm before.
 */
#ifndef DEBUG_PAINT_H
#define DEBUG_PAINT_H

#include "kernel/co.h"

#ifdef VOLE_PAINTED

enum { PAINT_ROOM = 256 };

/* The stack of co, which is new, may be used down to bound bytes from its top. */
void paint(struct co *co, size_t bound);

/* Panics where it has been used below. co does not run. */
void paint_check(const struct co *co);

#elif !defined(VOLE_RELEASE)

enum { PAINT_ROOM = sizeof(uint64_t) };
#define CANARY UINT64_C(0x79726f6c6576616e) /* no address, no small number */

static inline void paint(struct co *co, size_t bound)
{
	(void)bound;
	*(uint64_t *)co->stack_mapped = CANARY;
}

_Noreturn void paint_is_lost(const struct co *co);

/* Panics where the stack of co, which does not run, was too small. */
static inline void paint_check(const struct co *co)
{
	if (co->stack_kind > STACK_FIXED && unlikely(*(const uint64_t *)co->stack_mapped != CANARY))
		paint_is_lost(co);
}

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
