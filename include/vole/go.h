/*
 * Coroutines: functions with a stack of their own, run by the kernel on every core.
 * All calls but go, go_copy and go_with are about the calling coroutine.
 */
#ifndef VOLE_GO_H
#define VOLE_GO_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct go_options {
	const char *name; /* copied; at most 31 bytes are kept; NULL: the symbol of fn */
	size_t stack; /* how far it may grow, in bytes; 0: 256 KB, or exact where the need of fn is known */
	int core;     /* 1 + core to stay on; 0: any */
	int priority; /* 0: normal; 1: urgent, picked before every normal one, preempts one */
};

/* Starts fn(arg) in a new coroutine. 0, -ENOMEM, -EINVAL (fn is NULL). */
int go(go_fn *fn, void *arg);

/* The same with a copy of size bytes at arg on the new stack, aligned to 16. -E2BIG above 16 KB. */
int go_copy(go_fn *fn, const void *arg, size_t size);

/* The same with options (NULL: none). -EINVAL also for a core or a priority out of range. */
int go_with(const struct go_options *opt, go_fn *fn, void *arg);

/* Lets the others run: to the back of the run queue. */
void go_yield(void);

/* Ends this coroutine; its deferred calls run first. */
void go_exit(void) __attribute__((noreturn));

/* Runs fn(arg) when this coroutine ends, the last deferred first. 0, -ENOMEM, -EINVAL. */
int go_defer(go_fn *fn, void *arg);

/* The number of this coroutine, never used again; main is 1. */
uint64_t go_id(void);

const char *go_name(void);

/* Stay on core; -1: on any again. 0, -EINVAL. */
int go_pin(int core);

/* While on, no cancellation reaches this coroutine. Returns the old value. */
bool go_shield(bool on);

#ifdef __cplusplus
}
#endif

#endif
