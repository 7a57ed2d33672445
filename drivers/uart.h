/*
 * A serial port with FIFOs, as the console drives it. One implementation is linked: uart16550.c or
 * pl011.c. None of these calls waits, locks or keeps state in memory but the port's address.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <stdbool.h>
#include <stdint.h>

enum uart_irq {
	UART_IRQ_RECEIVED = 1, /* bytes can be read */
	UART_IRQ_SENDABLE = 2, /* bytes can be written */
};

/* FIFOs on, interrupts off. base: see arch_io_read8. Turning FIFOs on empties them: returns the byte
 * that had come before, -1: none. One that comes in between may be lost. */
int uart_init(uintptr_t base);

/* The next byte received; -1: none. */
int uart_get(void);

/* How many bytes may be put now without asking again. */
int uart_room(void);
void uart_put(uint8_t byte);

/* True: everything put has left the port. */
bool uart_sent(void);

/*
 * Lets exactly these interrupts (enum uart_irq) through. When it returns the port has taken it, and
 * an interrupt whose reason holds already comes (again), also where interrupts are edges. A port
 * may see UART_IRQ_SENDABLE only once its FIFO has been filled before.
 */
void uart_enable_irqs(unsigned irqs);

#endif
