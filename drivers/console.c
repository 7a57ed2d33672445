/*
 * The console.
 *
 * Output. Writers, one at a time (sema), put bytes into a ring. Who owns the *pump* moves them to
 * the port: a state word says whether the pump is free, owned, or left to the interrupt handler. A
 * writer that finds it free takes it; when the port's FIFO is full it enables the interrupt and
 * leaves the pump to the handler; who frees the pump looks at the ring once more. Invariants: bytes
 * in the ring with the pump free or left, but the interrupt off, exist only while somebody is about
 * to take it; UART_IRQ_SENDABLE in irqs changes only by the owner of the pump; a byte is claimed
 * (tail) before it is sent, so it never goes out twice, even when a panic takes the pump by force.
 *
 * Echo is written by whoever has the writers' turn, or can have it at once: see console_echo.
 *
 * Input is input.c's. Handler and writers may be on different cores: see console_update_irqs.
 */
#include "drivers/console.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <vole/go.h>
#include <vole/sync.h>
#include <vole/time.h>

#include "arch/arch.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "drivers/input.h"
#include "drivers/terminal.h"
#include "drivers/uart.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/start.h"

enum { RING_SIZE = 4096 }; /* a power of two */

/* The indexes run on for ever; a place is index % RING_SIZE. */
struct ring {
	_Atomic uint32_t head; /* by the producer */
	_Atomic uint32_t tail; /* by consumers */
	uint16_t entry[RING_SIZE];
};

/* ---- Which interrupts are on --------------------------------------------------------------- */

static _Atomic unsigned irqs;

/*
 * Brings the port in line with irqs. Anybody may change irqs and then call this, on any core: who
 * writes an old value after a newer one sees, looking again, that it was old. The change, the write to
 * the port (which is complete when uart_enable_irqs returns) and the look are in this order for all.
 */
void console_update_irqs(void)
{
	unsigned now;

	do {
		now = atomic_load_explicit(&irqs, memory_order_relaxed);
		uart_enable_irqs(now);
		/* seq_cst: with each change of irqs. */
		atomic_thread_fence(memory_order_seq_cst);
	} while (atomic_load_explicit(&irqs, memory_order_relaxed) != now);
}

/* ---- Output --------------------------------------------------------------------------------- */

enum { PUMP_FREE, PUMP_OWNED, PUMP_LEFT /* to the interrupt handler */ };

/* So many bytes in a ring, and at most so many in one go of the handler, with preemption off. */
enum { PUMP_GO = 256 };

static struct ring tx;
static _Atomic uint32_t pump = PUMP_FREE;
static struct event tx_room; /* for the one writer that waits: the ring is half empty */
static struct sema tx_turn;

/* What the writer has not yet put into the ring; for panics. */
static const uint8_t *_Atomic tx_rest;
static _Atomic size_t tx_rest_size;

static uint32_t ring_count(struct ring *r)
{
	/* acquire: with the release in pump_send. seq_cst: with tx_put. */
	return atomic_load_explicit(&r->head, memory_order_seq_cst) -
	       atomic_load_explicit(&r->tail, memory_order_acquire);
}

/* seq_cst: with pump_give. It acquires, too: what who had the pump before did to the port is done. */
static bool pump_take(uint32_t from)
{
	return atomic_compare_exchange_strong_explicit(&pump, &from, PUMP_OWNED,
						       memory_order_seq_cst, memory_order_relaxed);
}

static void pump_give(uint32_t to)
{
	/* seq_cst: with pump_take. */
	atomic_store_explicit(&pump, to, memory_order_seq_cst);
}

/* Sends at most max bytes of the ring, as far as the port takes them at once. The pump is ours, but
 * a panic may take it away at any point: then the claim of a byte fails. */
static void pump_send(uint32_t max)
{
	int room = 0;

	while (max-- > 0) {
		/* acquire: with tx_put; the entry is there. */
		uint32_t head = atomic_load_explicit(&tx.head, memory_order_acquire);
		uint32_t tail = atomic_load_explicit(&tx.tail, memory_order_relaxed);

		if (head == tail || (room == 0 && (room = uart_room()) == 0))
			return;

		uint8_t byte = (uint8_t)tx.entry[tail % RING_SIZE];

		/* release: with the acquire in console_write; the entry may be reused. */
		if (!atomic_compare_exchange_strong_explicit(&tx.tail, &tail, tail + 1,
							     memory_order_release,
							     memory_order_relaxed))
			return;
		uart_put(byte);
		room--;
	}
}

/* With the pump ours: sends a while, then frees the pump, or leaves it to the handler. */
static void pump_run(void)
{
	do {
		pump_send(PUMP_GO);
		if (ring_count(&tx) > 0) {
			atomic_fetch_or_explicit(
				&irqs, UART_IRQ_SENDABLE,
				memory_order_seq_cst); /* seq_cst: with console_update_irqs */
			pump_give(PUMP_LEFT);
			console_update_irqs();
			return;
		}
		if (atomic_load_explicit(&irqs, memory_order_relaxed) & UART_IRQ_SENDABLE) {
			atomic_fetch_and_explicit(
				&irqs, ~UART_IRQ_SENDABLE,
				memory_order_seq_cst); /* seq_cst: with console_update_irqs */
			console_update_irqs();
		}
		/* seq_cst, here and in console_write: a writer puts, then looks at the pump; we
		 * free the pump, then look for what was put. One of the two sees the other. */
		pump_give(PUMP_FREE);
	} while (ring_count(&tx) > 0 && pump_take(PUMP_FREE));
}

/* Puts a piece into the ring, and sees to it that somebody sends it. */
static void tx_put(const uint8_t *bytes, size_t n)
{
	uint32_t head = atomic_load_explicit(&tx.head, memory_order_relaxed);

	preempt_disable();
	for (size_t i = 0; i < n; i++)
		tx.entry[(head + i) % RING_SIZE] = bytes[i];
	/* seq_cst: with ring_count in pump_run; and the acquire in pump_send. */
	atomic_store_explicit(&tx.head, head + (uint32_t)n, memory_order_seq_cst);
	if (pump_take(PUMP_FREE))
		pump_run();
	preempt_enable();
}

ssize_t console_write(const void *buf, size_t n)
{
	const uint8_t *bytes = buf;
	size_t done = 0;
	bool shielded =
		go_shield(true); /* a stream that fails would lose what others have printed */

	(void)sema_acquire(&tx_turn);
	while (done < n) {
		/* acquire: with the release in pump_send. */
		size_t room = RING_SIZE - (atomic_load_explicit(&tx.head, memory_order_relaxed) -
					   atomic_load_explicit(&tx.tail, memory_order_acquire));
		size_t piece = n - done < room ? n - done : room;

		if (piece > PUMP_GO)
			piece = PUMP_GO;
		atomic_store_explicit(&tx_rest, bytes + done + piece, memory_order_relaxed);
		atomic_store_explicit(&tx_rest_size, n - done - piece, memory_order_relaxed);
		if (piece > 0) {
			tx_put(bytes + done, piece);
			done += piece;
			continue;
		}
		/* The device will interrupt, so this is no deadlock. */
		atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
		(void)event_wait(&tx_room);
		atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&tx_rest_size, 0, memory_order_relaxed);
	sema_release(&tx_turn);
	console_echo();
	go_shield(shielded);
	return (ssize_t)n;
}

void console_echo(void)
{
	uint8_t some[PUMP_GO];
	size_t n;

	/* Looked at again when the turn has been given back: who comes meanwhile leaves it to us. */
	while (terminal_echo_left() && ring_count(&tx) < RING_SIZE - PUMP_GO &&
	       sema_try_acquire(&tx_turn) == 0) {
		n = terminal_take_echo(some, RING_SIZE - ring_count(&tx) > PUMP_GO ? PUMP_GO : 0);
		if (n > 0)
			tx_put(some, n);
		sema_release(&tx_turn);
	}
}

void console_drain(void)
{
	while (ring_count(&tx) > 0 && time_sleep(NSEC_PER_MSEC) == 0)
		;
}

/* ---- Polled output -------------------------------------------------------------------------- */

static bool ready; /* set by console_init */

void console_hold(void)
{
	if (!ready)
		return;

	uint64_t deadline = arch_clock() + NSEC_PER_SEC / 10;

	while (!pump_take(PUMP_FREE) && !pump_take(PUMP_LEFT)) {
		if (arch_clock() > deadline) {
			pump_give(PUMP_OWNED);
			break;
		}
		arch_relax();
	}
	if (atomic_load_explicit(&irqs, memory_order_relaxed) & UART_IRQ_SENDABLE) {
		atomic_fetch_and_explicit(
			&irqs, ~UART_IRQ_SENDABLE,
			memory_order_seq_cst); /* seq_cst: with console_update_irqs */
		console_update_irqs();
	}

	/* Only what is there now: others may go on writing for ever. */
	uint32_t end = atomic_load_explicit(&tx.head, memory_order_relaxed);

	while ((int32_t)(end - atomic_load_explicit(&tx.tail, memory_order_relaxed)) > 0)
		pump_send(1);
}

void console_release(void)
{
	if (!ready)
		return;
	pump_run();
	event_post(&tx_room);
}

void console_flush_polled(void)
{
	struct co *self = arch_current();

	if (!ready)
		return;
	/* Not preempt_disable: in a handler, or in a panic, its end must not switch. */
	self->nopreempt++;
	console_hold();
	while (!uart_sent())
		arch_relax();
	console_release();
	self->nopreempt--;
}

static uint8_t put_all(const uint8_t *bytes, size_t n, uint8_t last)
{
	for (size_t i = 0; i < n; i++)
		arch_early_putc((char)bytes[i]);
	return n > 0 ? bytes[n - 1] : last;
}

void console_flush_for_panic(const uint8_t *more, size_t n)
{
	uint32_t head;
	uint8_t last = '\n';

	console_hold();
	/* acquire: with tx_put; the entry is there. */
	head = atomic_load_explicit(&tx.head, memory_order_acquire);
	if (head > 0)
		last = (uint8_t)tx.entry[(head - 1) % RING_SIZE];
	last = put_all(atomic_load_explicit(&tx_rest, memory_order_relaxed),
		       atomic_exchange_explicit(&tx_rest_size, 0, memory_order_relaxed), last);
	if (put_all(more, n, last) != '\n')
		arch_early_putc('\n');
	console_release();
}

void console_accept_input(bool on)
{
	if (on)
		atomic_fetch_or_explicit(
			&irqs, UART_IRQ_RECEIVED,
			memory_order_seq_cst); /* seq_cst: with console_update_irqs */
	else
		atomic_fetch_and_explicit(
			&irqs, ~UART_IRQ_RECEIVED,
			memory_order_seq_cst); /* seq_cst: with console_update_irqs */
}

/* ---- The interrupt -------------------------------------------------------------------------- */

static void console_interrupt(void *arg)
{
	(void)arg;
	input_receive();
	if (pump_take(PUMP_LEFT))
		pump_run();
	if (ring_count(&tx) <= RING_SIZE / 2) {
		event_post(&tx_room);
		if (terminal_echo_left())
			terminal_wake();
	}
	/* Also with nothing changed: an edge that came while we were here is made anew. */
	console_update_irqs();
}

void console_init(void)
{
	sema_init(&tx_turn, 1);
	terminal_init();
	input_init(uart_init(machine.console_base));
	ready = true;
	if (irq_attach_kernel(machine.console_irq, console_interrupt, NULL) < 0)
		panic("the console's interrupt %u cannot be attached", machine.console_irq);
	atomic_store_explicit(&irqs, UART_IRQ_RECEIVED, memory_order_relaxed);
	console_update_irqs();
}
