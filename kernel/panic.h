/* When things break: one message, one report, status 134. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

/* From anywhere. Formats as print does. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

_Noreturn void panic_assert(const char *file, int line, const char *func, const char *cond);

/* All coroutines are asleep. */
_Noreturn void panic_deadlock(void);

/* True from the first panic on: locks may be held by cores that have stopped. */
extern volatile bool panicking;

/* Prints a coroutine as dumps show it, with its backtrace. */
struct co;
void dump_co(struct co *co);

/* Prints every coroutine. */
void dump_all(void);

/* From an interrupt handler: somebody at the console asked for a dump. */
void panic_dump_request(void);

#endif
