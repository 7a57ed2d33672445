/* Coroutines that can never run again while others go on, and blocks that nothing points to: docs/leaks.md. */
#ifndef DEBUG_LEAKS_H
#define DEBUG_LEAKS_H

#include <stddef.h>

/* Looks for them, and says what it has found by put. How many coroutines. The caller may wait. */
size_t leaks_report(void (*put)(void *to, const char *text), void *to);

/* In exit, whose frames and registers, and those of its callers, are all that is in use from here on of the
 * stack of the coroutine that calls it. */
void leaks_exit_begins(void);

/* At its end: with vole.leaks=1 says what has leaked. The status of the machine. */
int leaks_exit(int status);

#endif
