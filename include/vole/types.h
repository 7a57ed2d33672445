/*
 * What the other headers share: times, and the private parts of the structs that programs declare.
 * The members of every struct here are the kernel's; a zeroed struct is ready to use.
 */
#ifndef VOLE_TYPES_H
#define VOLE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* A deadline that never comes. */
#define TIME_NEVER UINT64_MAX

/* For C++, whose atomics are another thing; in memory they are the same. */
#ifdef __cplusplus
#define VOLE_ATOMIC(type) type
#else
#define VOLE_ATOMIC(type) _Atomic type
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef void go_fn(void *arg);

/* A test-and-set lock, held for a few instructions and never while preemptible. */
struct spinlock {
	VOLE_ATOMIC(uint32_t) held;
};

/* A FIFO of waiters; see sync/wait.h. */
struct wait_queue {
	struct wait_node *first, *last;
};

/* A place in a core's timer wheel; see kernel/wheel.h. */
struct wheel_link {
	struct wheel_link *next, *prev;
};

struct wheel_node {
	struct wheel_link link; /* in a ring with its slot; NULLs when not pending */
	uint64_t deadline;
	struct core *core; /* whose wheel; constant while pending */
	void (*fire)(struct wheel_node *node, uint64_t now);
};

#ifdef __cplusplus
}
#endif

#endif
