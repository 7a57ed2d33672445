/* What the other files of the console need of the terminal (terminal.c). */
#ifndef DRIVERS_TERMINAL_H
#define DRIVERS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void terminal_init(void);

/* ---- In the handler ---- */

/* What a byte of a terminal is that does more than to stand in line. */
enum terminal_key {
	KEY_PLAIN,
	KEY_INTERRUPT, /* the program handles it, as SIGINT */
	KEY_END,       /* the machine ends, for it does not */
	KEY_DUMP,
};
enum terminal_key terminal_key(uint8_t byte);
_Noreturn void terminal_end_machine(void);

/* Something has come in, or input.c has stopped. */
void terminal_wake(void);

/* ---- For console_echo ---- */

bool terminal_echo_left(void);
/* Up to n bytes of it; how many. */
size_t terminal_take_echo(uint8_t *bytes, size_t n);

#endif
