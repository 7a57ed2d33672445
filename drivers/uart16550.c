/*
 * The 16550 of PCs (National Semiconductor PC16550D data sheet, section 8). Its interrupt is an
 * edge on a PC: it is lost when its reason still holds at the end of the handler. Invariant: who
 * writes the Interrupt Enable Register writes 0 first, so that what holds makes a new edge.
 */
#include "drivers/uart.h"

#include "arch/devices.h"

enum {
	RBR = 0, /* Receiver Buffer, read */
	THR = 0, /* Transmitter Holding, write */
	DLL = 0, /* Divisor Latch, while LCR_DLAB */
	DLM = 1,
	IER = 1, /* Interrupt Enable */
	FCR = 2, /* FIFO Control, write */
	LCR = 3, /* Line Control */
	MCR = 4, /* Modem Control */
	LSR = 5, /* Line Status */
};

enum {
	IER_ERBFI = 0x01, /* received data available, and the time-out of the FIFO */
	IER_ETBEI = 0x02, /* transmitter holding register empty */
	FCR_ENABLE = 0x01,
	FCR_TRIGGER_14 = 0xc0,
	LCR_8N1 = 0x03,
	LCR_DLAB = 0x80,
	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT2 = 0x08, /* on a PC: the gate of the interrupt line */
	MCR_LOOP = 0x10, /* the receiver is cut off from the line */
	LSR_DR = 0x01,   /* data ready */
	LSR_THRE = 0x20, /* transmitter holding register, or FIFO, empty */
	LSR_TEMT = 0x40, /* and the shift register too */
};

enum { FIFO_SIZE = 16 };

static uintptr_t port;

int uart_init(uintptr_t base)
{
	int early = -1;

	port = base;
	arch_io_write8(port + IER, 0);
	arch_io_write8(port + LCR, LCR_DLAB);
	arch_io_write8(port + DLL, 1); /* 115,200 baud from 1.8432 MHz */
	arch_io_write8(port + DLM, 0);
	arch_io_write8(port + LCR, LCR_8N1);
	/* Switching the FIFO on empties it: until then, what was received is read, and no more may
	 * come, as it does (in QEMU at once) when the one before has been read. */
	arch_io_write8(port + MCR, MCR_LOOP);
	if (arch_io_read8(port + LSR) & LSR_DR)
		early = arch_io_read8(port + RBR);
	arch_io_write8(port + FCR, FCR_ENABLE | FCR_TRIGGER_14);
	arch_io_write8(port + MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	return early;
}

int uart_get(void)
{
	if (!(arch_io_read8(port + LSR) & LSR_DR))
		return -1;
	return arch_io_read8(port + RBR);
}

int uart_room(void)
{
	return arch_io_read8(port + LSR) & LSR_THRE ? FIFO_SIZE : 0;
}

void uart_put(uint8_t byte)
{
	arch_io_write8(port + THR, byte);
}

bool uart_sent(void)
{
	return arch_io_read8(port + LSR) & LSR_TEMT;
}

void uart_enable_irqs(unsigned irqs)
{
	uint8_t ier = (irqs & UART_IRQ_RECEIVED ? IER_ERBFI : 0) |
		      (irqs & UART_IRQ_SENDABLE ? IER_ETBEI : 0);

	arch_io_write8(port + IER, 0);
	arch_io_write8(port + IER, ier);
	(void)arch_io_read8(port + IER); /* where it is memory: the write has arrived */
}
