/*
 * The devices. The console's port is a 16550 (National Semiconductor PC16550D data sheet, section 8): what it
 * sends goes to standard output; what it receives is standard input, which comes in by lines, and only
 * when the machine has nothing else to do, so that it does not depend on when it was typed. Framed: see
 * drivers/input.c. The clock that knows the date begins with 2026.
 */
#include "sim.h"

enum { SYS_WRITE = 1, MINUS_EINTR = -4 };
enum { DATA = 0, IER = 1, LCR = 3, LSR = 5 };
enum { IER_RECEIVED = 1, IER_SENDABLE = 2, LCR_DLAB = 0x80, LSR_DATA = 1, LSR_EMPTY = 0x60 };
enum { DLE = 0x10, WORD_START = 's', WORD_END = 0x04 };

static uint8_t ier, lcr;
static char out[4096];
static size_t out_length;

static uint8_t in[2 * 4096] = {DLE, WORD_START};
static size_t in_at, in_come = 2, in_end = 2; /* taken, received, read */
static bool in_over;

static void put_all(int file, const char *text, size_t n)
{
	while (n > 0) {
		long done = sim_call(SYS_WRITE, file, (long)text, (long)n, 0, 0, 0);

		if (done < 0 && done != MINUS_EINTR)
			return;
		if (done > 0) {
			text += done;
			n -= (size_t)done;
		}
	}
}

bool sim_silent;

void sim_flush(void)
{
	if (!sim_silent)
		put_all(1, out, out_length);
	out_length = 0;
}

void sim_put(int file, const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	sim_flush();
	put_all(file, text, n);
}

void sim_put_number(int file, uint64_t number, unsigned base)
{
	char text[24], *at = text + sizeof text - 1;

	*at = '\0';
	do
		*--at = "0123456789abcdef"[number % base];
	while (number /= base);
	sim_put(file, at);
}

void arch_early_putc(char c)
{
	out[out_length++] = c;
	if (out_length == sizeof out)
		sim_flush();
}

/* An edge: whenever there is a reason, and the register is written or a byte comes. */
static void raise_irq(void)
{
	if ((ier & IER_SENDABLE) || (ier & IER_RECEIVED && in_at < in_come))
		sim_cores[0].devices |= UINT64_C(1) << SIM_UART_IRQ;
}

/* The next byte of standard input; -1: its end. */
static int next_byte(void)
{
	static uint8_t bytes[4096];
	static long at, end;

	if (at == end) {
		at = 0;
		end = sim_read_input(bytes, sizeof bytes);
	}
	return end > 0 ? bytes[at++] : -1;
}

bool sim_uart_wait(void)
{
	int byte;

	if (in_at < in_come || !(ier & IER_RECEIVED))
		return false;
	if (in_come < in_end) {
		in_come += sim_input_that_comes(in_end - in_come);
		raise_irq();
		return true;
	}
	if (in_over)
		return false;
	sim_flush();
	in_at = in_end = 0;
	do {
		byte = next_byte();
		if (byte == DLE || byte < 0)
			in[in_end++] = DLE;
		in[in_end++] = byte < 0 ? WORD_END : (uint8_t)byte;
		in_over = byte < 0;
	} while (byte >= 0 && byte != '\n' && in_end < sizeof in - 1);
	in_come = sim_input_that_comes(in_end);
	raise_irq();
	return true;
}

uint64_t sim_io_read_(uintptr_t reg, int bytes);
void sim_io_write_(uintptr_t reg, int bytes, uint64_t value);

uint64_t sim_io_read_(uintptr_t reg, int bytes)
{
	(void)bytes;
	sim_step();
	if (sim_card_at && reg - sim_card_at < PAGE_SIZE)
		return sim_card_read((unsigned)(reg - sim_card_at));
	switch (reg - SIM_UART) {
	case DATA:
		return in_at < in_come ? in[in_at++] : 0;
	case IER:
		return ier;
	case LCR:
		return lcr;
	case LSR:
		return LSR_EMPTY | (in_at < in_come ? LSR_DATA : 0);
	default:
		return UINT64_MAX; /* nobody answers */
	}
}

void sim_io_write_(uintptr_t reg, int bytes, uint64_t value)
{
	(void)bytes;
	sim_step();
	if (sim_card_at && reg - sim_card_at < PAGE_SIZE) {
		sim_card_write((unsigned)(reg - sim_card_at), value);
		return;
	}
	switch (reg - SIM_UART) {
	case DATA:
		if (lcr & LCR_DLAB)
			return;
		arch_early_putc((char)value);
		raise_irq();
		break;
	case IER:
		if (lcr & LCR_DLAB)
			return;
		ier = (uint8_t)value;
		raise_irq();
		break;
	case LCR:
		lcr = (uint8_t)value;
		break;
	}
}

uint64_t date_read(void)
{
	enum { NEW_YEAR_2026 = 1767225600, NSEC = 1000000000 };

	return NEW_YEAR_2026 + sim_time / NSEC;
}
