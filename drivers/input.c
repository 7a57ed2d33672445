/*
 * Input, as the handler takes it in. The handler is the ring's only producer; its consumer is
 * terminal.c, under its lock. Where the ring is full the handler stops: the interrupt is off, and QEMU,
 * or the other end's flow control, holds the bytes back; the consumer has it go on. When the handler
 * stops it wakes the consumer: one that takes entries later sees under its lock that it has stopped.
 *
 * The launcher frames what it sends: DLE and a letter is a word of its own, DLE DLE one byte of data.
 * It begins with some SYN, of which the port may lose some before its FIFOs are on, and DLE 's'.
 * vole.stdin= says what the data is: "framed" a file's or a pipe's, "terminal" a person's. Where
 * the launcher could not say anything nothing is framed, and a person sits at the port. Output may
 * go to a file all the same: vole.stdout=file.
 */
#include "drivers/input.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <vole/runtime.h>

#include "debug/panic.h"
#include "drivers/console.h"
#include "drivers/terminal.h"
#include "drivers/uart.h"
#include "kernel/start.h"

enum { RING_SIZE = 4096 }; /* a power of two */

enum { DLE = 0x10, SYN = 0x16 };
enum { WORD_START = 's', WORD_END = 0x04, WORD_DUMP = 'd' };

/* The indexes run on for ever; a place is index % RING_SIZE. */
static _Atomic uint32_t head; /* the handler's */
static _Atomic uint32_t tail; /* the consumer's */
static uint16_t entries[RING_SIZE];

/* Constant after input_init. */
static bool framed, terminal;

/* The handler found no room; cleared by who sees that there is room again. */
static _Atomic bool stopped;

/* The handler's own. starting: WORD_START has not come. */
static bool starting, escaped, ended;

static void push_byte(uint16_t entry)
{
	uint32_t at = atomic_load_explicit(&head, memory_order_relaxed);

	if (ended)
		return;
	ended = entry == MARK_END;
	entries[at % RING_SIZE] = entry;
	/* release: with the acquire in input_take. */
	atomic_store_explicit(&head, at + 1, memory_order_release);
}

static void data(uint8_t byte)
{
	switch (terminal ? terminal_key(byte) : KEY_PLAIN) {
	case KEY_END:
		terminal_end_machine();
	case KEY_DUMP:
		panic_dump_request();
		break;
	case KEY_INTERRUPT:
		push_byte(MARK_INTERRUPT);
		break;
	default:
		push_byte(byte);
	}
}

static void word(uint8_t letter)
{
	switch (letter) {
	case WORD_START:
		starting = false;
		break;
	case WORD_END:
		push_byte(MARK_END);
		break;
	case WORD_DUMP:
		panic_dump_request();
		break;
	case DLE:
		data(DLE);
		break;
	} /* the launcher sends no other */
}

static void receive_byte(uint8_t byte)
{
	if (framed && !escaped && byte == DLE) {
		escaped = true;
	} else if (escaped) {
		escaped = false;
		word(byte);
	} else if (!(starting && byte == SYN)) {
		data(byte);
	}
}

enum { RECEIVE_GO = 256 }; /* bytes in one go of the handler */

bool input_receive(void)
{
	bool some = false;

	for (int i = 0; i < RECEIVE_GO; i++) {
		/* acquire: with the release in input_take; what is overwritten has been read. */
		uint32_t n = atomic_load_explicit(&head, memory_order_relaxed) -
			     atomic_load_explicit(&tail, memory_order_acquire);

		if (n >= RING_SIZE) {
			atomic_store_explicit(&stopped, true, memory_order_relaxed);
			return true;
		}

		int byte = uart_get();

		if (byte < 0)
			break;
		receive_byte((uint8_t)byte);
		some = true;
	}
	return some;
}

bool input_is_stopped(void)
{
	return atomic_load_explicit(&stopped, memory_order_relaxed);
}

void input_restart(void)
{
	if (!input_is_stopped() ||
	    atomic_load_explicit(&head, memory_order_relaxed) -
			    atomic_load_explicit(&tail, memory_order_relaxed) >
		    RING_SIZE / 2)
		return;
	atomic_store_explicit(&stopped, false, memory_order_relaxed);
	console_ask_for_input();
}

int input_take(void)
{
	uint32_t at = atomic_load_explicit(&tail, memory_order_relaxed);
	int entry;

	/* acquire: with the release in push_byte. */
	if (atomic_load_explicit(&head, memory_order_acquire) == at)
		return -1;
	entry = entries[at % RING_SIZE];
	/* release: with the acquire in input_receive. */
	atomic_store_explicit(&tail, at + 1, memory_order_release);
	return entry;
}

bool console_is_terminal(void)
{
	return terminal;
}

bool console_shows(void)
{
	const char *where = option("stdout");

	return !where || strcmp(where, "file") != 0;
}

void input_init(int early)
{
	const char *how = option("stdin");

	framed = how && (strcmp(how, "framed") == 0 || strcmp(how, "terminal") == 0);
	terminal = !how || strcmp(how, "framed") != 0;
	starting = framed;
	if (early >= 0)
		receive_byte((uint8_t)early);
}
