/*
 * What comes in at the console's port, from its handler to the terminal: a ring of entries, which are
 * bytes or marks. What the three files of the console tell each other is here and in terminal.h.
 */
#ifndef DRIVERS_INPUT_H
#define DRIVERS_INPUT_H

#include <stdbool.h>

/* Entries that are no bytes. */
enum {
	MARK_EOF = 0x100,       /* ends one read; only behind the terminal, not in this ring */
	MARK_END = 0x200,       /* ends all reading; the last entry that there is */
	MARK_INTERRUPT = 0x400, /* Ctrl-C was typed, which the program handles */
};

/* early: a byte that came before, or -1. */
void input_init(int early);

/* In the handler: takes in what has come, as far as there is room. True: the terminal is to be woken. */
bool input_receive(void);

/* There was no room: the port is not to interrupt for what it receives. */
bool input_is_stopped(void);

/* By one at a time: the next entry; -1: there is none. */
int input_take(void);

/* After entries have been taken: lets more come, if the handler had stopped. */
void input_restart(void);

/* ---- console.c ---- */

/* input_is_stopped has changed. */
void console_ask_for_input(void);

/* Writes what the terminal has to echo, if that can be done without waiting; who writes now does it
 * afterwards. From coroutines, and from functions of irq_defer. */
void console_echo(void);

#endif
