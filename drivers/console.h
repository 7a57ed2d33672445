/*
 * The console: a serial port driven by interrupts both ways. A coroutine that reads or writes
 * parks while there is nothing to read, or no room to write.
 */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/outside.h"

/* Writes all n bytes, unaltered, those of one call together; cancellation does not end it. From
 * coroutines. n. */
ssize_t console_write(const void *buf, size_t n);

/* Waits for a byte, and returns what is there, at most n; 0: end of file; -ECANCELED. Without
 * waiting: -EAGAIN, too where another reads. */
ssize_t console_read(void *buf, size_t n, bool may_wait);

/* A person sits there: input is not framed by the launcher. */
bool console_is_terminal(void);

/* For a panic: also sends the rest of what a coroutine was writing when it came, then the n bytes at
 * more, and begins a new line. */
void console_flush_for_panic(const uint8_t *more, size_t n);

#endif
