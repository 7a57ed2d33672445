/* What the kernel asks of the layers that stand on it: sync/, libc/ and drivers/. */
#ifndef KERNEL_OUTSIDE_H
#define KERNEL_OUTSIDE_H

#include <stdbool.h>

struct co;
struct group;

/* Groups: a member's function returned error; co has ended, or will never start, and leaves its group, if
 * it is in one. */
void group_cancel(struct group *g, int error);
void group_leave(struct co *co);

/* The console's driver: before main; empties what is buffered by polling, at any time. */
void console_init(void);
void console_flush_polled(void);

/* Polled output: console_hold sends what was written before, and keeps the port until
 * console_release; meanwhile arch_early_putc does not get into the middle of a line. From anywhere,
 * with nopreempt > 0. False: the port could not be had in a tenth of a second. Then its holder has crashed,
 * or is what the caller has interrupted, and it is used all the same. console_release is told. */
bool console_hold(void);
void console_release(bool held);

/* The C library: before main, in its coroutine; when a coroutine ends that has a reent; what stdout
 * has buffered to the console, while everything else has stopped. */
void libc_init(void);
void libc_co_exit(struct co *co);
void libc_flush_for_panic(void);

#endif
