/*
 * ARM's PrimeCell UART PL011 (Technical Reference Manual DDI 0183, chapter 3). The line speed stays
 * as the firmware has set it. Its transmit interrupt tells of a transition (section 2.8.2): it stays
 * raised once the FIFO has drained, and only a port that never was filled has none; so nobody
 * clears it through UARTICR, and the console fills the FIFO before it asks for the interrupt.
 */
#include "drivers/uart.h"

#include "arch/devices.h"

enum {
	UARTDR = 0x000,    /* data */
	UARTFR = 0x018,    /* flags */
	UARTLCR_H = 0x02c, /* line control */
	UARTCR = 0x030,    /* control */
	UARTIFLS = 0x034,  /* interrupt FIFO levels */
	UARTIMSC = 0x038,  /* interrupt mask */
};

enum {
	FR_BUSY = 0x08,
	FR_RXFE = 0x10, /* receive FIFO empty */
	FR_TXFF = 0x20, /* transmit FIFO full */
	FR_TXFE = 0x80, /* transmit FIFO empty */
	LCR_H_FEN = 0x10,
	LCR_H_WLEN_8 = 0x60,
	CR_UARTEN = 0x001,
	CR_TXE = 0x100,
	CR_RXE = 0x200,
	IFLS_RX_HALF_TX_HALF = 0x12,
	INT_RX = 0x10,
	INT_TX = 0x20,
	INT_RT = 0x40, /* receive time-out: fewer bytes than the level, and no more for a while */
};

enum { FIFO_SIZE = 16 };

static uintptr_t port;

int uart_init(uintptr_t base)
{
	uint32_t flags, early;

	port = base;
	arch_io_write32(port + UARTIMSC, 0);
	while (arch_io_read32(port + UARTFR) & FR_BUSY)
		arch_relax();
	/* The line control may only be written while the port is off (section 3.3.7). */
	arch_io_write32(port + UARTCR, 0);
	flags = arch_io_read32(port + UARTFR);
	/* Switching the FIFO on empties it: read, and without a detour switch, before more comes. */
	early = arch_io_read32(port + UARTDR);
	arch_io_write32(port + UARTLCR_H, LCR_H_FEN | LCR_H_WLEN_8);
	arch_io_write32(port + UARTIFLS, IFLS_RX_HALF_TX_HALF);
	arch_io_write32(port + UARTCR, CR_UARTEN | CR_TXE | CR_RXE);
	return flags & FR_RXFE ? -1 : (int)(early & 0xff);
}

int uart_get(void)
{
	if (arch_io_read32(port + UARTFR) & FR_RXFE)
		return -1;
	return arch_io_read32(port + UARTDR) & 0xff;
}

int uart_room(void)
{
	uint32_t flags = arch_io_read32(port + UARTFR);

	return flags & FR_TXFE ? FIFO_SIZE : flags & FR_TXFF ? 0 : 1;
}

void uart_put(uint8_t byte)
{
	arch_io_write32(port + UARTDR, byte);
}

bool uart_sent(void)
{
	return !(arch_io_read32(port + UARTFR) & FR_BUSY);
}

void uart_enable_irqs(unsigned irqs)
{
	uint32_t mask = (irqs & UART_IRQ_RECEIVED ? INT_RX | INT_RT : 0) |
			(irqs & UART_IRQ_SENDABLE ? INT_TX : 0);

	arch_io_write32(port + UARTIMSC, mask);
	(void)arch_io_read32(port + UARTIMSC); /* the write has arrived */
}
