/* When things break: one message, one report, status 134. */
#ifndef DEBUG_PANIC_H
#define DEBUG_PANIC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* From anywhere. Formats as print does. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From anywhere, with the least stack: text as it is; what an assertion found. */
_Noreturn void panic_plain(const char *text);
_Noreturn void panic_assert(const char *file, int line, const char *func, const char *cond);

/* As panic, with a formatter of the caller's, vsnprintf say. */
typedef int panic_formatter(char *to, size_t size, const char *fmt, va_list args);
_Noreturn void panic_with(panic_formatter *formatter, const char *fmt, va_list args);

/* All coroutines are asleep. */
_Noreturn void panic_deadlock(void);

/* True from the first panic on (shared_get): locks may be held by cores that have stopped. */
extern bool panicking;

/* Set by who panics next: prints what there is to say behind the backtrace. */
extern void (*panic_more)(void);

/* Prints a coroutine as dumps show it, with its backtrace. */
struct co;
void dump_co(const struct co *co);

/* Prints every coroutine. */
void dump_all(void);

/* From an interrupt handler: somebody at the console asked for a dump. */
void panic_dump_request(void);

#endif
