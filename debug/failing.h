/*
 * Running out of memory on purpose, for tests: in an image made with BUILD=failing, the nth
 * allocation from a call of runtime_fail_alloc(n) on fails, once. Elsewhere this costs nothing.
 */
#ifndef DEBUG_FAILING_H
#define DEBUG_FAILING_H

#include <stdatomic.h>
#include <stdbool.h>

#ifdef VOLE_FAILING

extern _Atomic long failing_countdown;

/* 0: none fails. Returns what was left of the last countdown: 0 when it has failed one. */
long runtime_fail_alloc(long n);

static inline bool alloc_fails(void)
{
	return atomic_load_explicit(&failing_countdown, memory_order_relaxed) > 0 &&
	       atomic_fetch_sub_explicit(&failing_countdown, 1, memory_order_relaxed) == 1;
}

#else

static inline bool alloc_fails(void)
{
	return false;
}

#endif
#endif
