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

#include <vole/types.h>

#include "kernel/outside.h"

struct termios;
struct wait_node;

/* Writes all n bytes, unaltered, those of one call together; cancellation does not end it. From
 * coroutines. n. */
ssize_t console_write(const void *buf, size_t n);

/* Waits until there is something (at a terminal: a line, or as its settings say), and returns what
 * is there, at most n; 0: end of file; -ECANCELED. Without waiting: -EAGAIN, too where another
 * reads. */
ssize_t console_read(void *buf, size_t n, bool may_wait);

/* Bytes that a read would give. */
size_t console_readable(void);

/* A read would not wait; ended: because nothing more comes. Otherwise node (NULL: none) is in a queue
 * that is claimed when that may have changed, until console_unpoll. Preemption is off. */
bool console_poll(struct wait_node *node, bool *ended);
void console_unpoll(struct wait_node *node);

/* A person types there; a person sees what is written. Constant after console_init. */
bool console_is_terminal(void);
bool console_shows(void);

/* The terminal's settings; forget: what has been typed, and not been read, is. */
void console_settings(struct termios *now);
void console_set(const struct termios *wanted, bool forget);
void console_forget_input(void);

/* fn(NULL) runs in a coroutine when the interrupt key is typed; NULL: it ends the machine. */
void console_on_interrupt(go_fn *fn);

/* Waits until all that was written has left. */
void console_drain(void);

/* For a panic: also sends the rest of what a coroutine was writing when it came, then the n bytes at
 * more, and begins a new line. */
void console_flush_for_panic(const uint8_t *more, size_t n);

#endif
