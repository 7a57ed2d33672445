/*
 * The console.
 *
 * Output. Writers, one at a time (tx_turn), put bytes into a ring, and send what the port takes at once. The
 * rest is sent when the port interrupts: the handler only has serve_port run, for it takes no lock. A
 * panic, or a dump in a handler, uses the port without the lock where its holder does not give it back: a
 * byte is claimed (tail) before it is sent, so it never goes out twice.
 *
 * Which interrupts the port has is said by who holds port_lock (ask); and by the handler, without the
 * lock, but then serve_port says it once more. So what is said last is right.
 *
 * Echo is written by whoever has the writers' turn, or can have it at once: see console_echo.
 *
 * Input is input.c's.
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

/* So many bytes in a ring (a power of two), and at most so many are sent in one go, with preemption off. */
enum { RING_SIZE = 4096, SEND_GO = 256 };

static struct spinlock port_lock;
static uint8_t inside[MAX_CORES]; /* each core's own: what has port_lock there, or waits for it */
/* guarded by port_lock; those that are atomic also changed by who has taken the port without it */
static uint8_t tx[RING_SIZE];
static _Atomic uint32_t tx_head, tx_tail; /* run on for ever; a place is index % RING_SIZE */
static bool asked;                        /* the port interrupts when it can send */
/* What the writer has not yet put into the ring; for panics. */
static const uint8_t *_Atomic tx_rest;
static _Atomic size_t tx_rest_size;

static struct event tx_room; /* for the one writer that waits: the ring is half empty */
static struct sema tx_turn;

static void port_take(void)
{
	preempt_disable();
	inside[core_here()->index]++;
	spin_lock(&port_lock);
}

static void port_give(void)
{
	spin_unlock(&port_lock);
	inside[core_here()->index]--;
	preempt_enable();
}

/* ---- With port_lock held -------------------------------------------------------------------- */

static uint32_t tx_count(void)
{
	return atomic_load_explicit(&tx_head, memory_order_relaxed) -
	       atomic_load_explicit(&tx_tail, memory_order_relaxed);
}

/* Says which interrupts are wanted. */
static void ask(void)
{
	uart_enable_irqs((asked ? UART_IRQ_SENDABLE : 0) |
			 (input_is_stopped() ? 0 : UART_IRQ_RECEIVED));
}

/* Sends at most max bytes of the ring, as far as the port takes them at once. */
static void send_waiting_bytes(uint32_t max)
{
	int room = 0;

	while (max-- > 0) {
		uint32_t tail = atomic_load_explicit(&tx_tail, memory_order_relaxed);

		if (tx_count() == 0 || (room == 0 && (room = uart_room()) == 0))
			return;

		uint8_t byte = tx[tail % RING_SIZE];

		if (!atomic_compare_exchange_strong_explicit(&tx_tail, &tail, tail + 1,
							     memory_order_relaxed,
							     memory_order_relaxed))
			return;
		uart_put(byte);
		room--;
	}
}

/* Sends a while. True: whether the port is to interrupt for the rest is not as it was. */
static bool pump(void)
{
	bool before = asked;

	send_waiting_bytes(SEND_GO);
	asked = tx_count() > 0;
	return asked != before;
}

/* ---- Output --------------------------------------------------------------------------------- */

static void set_rest(const uint8_t *bytes, size_t n)
{
	atomic_store_explicit(&tx_rest, bytes, memory_order_relaxed);
	atomic_store_explicit(&tx_rest_size, n, memory_order_relaxed);
}

/* Of n bytes, puts into the ring what there is room for, and sees to it that it is sent; how many. The
 * caller has the writers' turn. */
static size_t tx_put(const uint8_t *bytes, size_t n)
{
	size_t all = n;
	uint32_t head, room;

	port_take();
	head = atomic_load_explicit(&tx_head, memory_order_relaxed);
	room = RING_SIZE - tx_count();
	if (room > SEND_GO)
		room = SEND_GO;
	if (n > room)
		n = room;
	for (size_t i = 0; i < n; i++)
		tx[(head + i) % RING_SIZE] = bytes[i];
	atomic_store_explicit(&tx_head, head + (uint32_t)n, memory_order_relaxed);
	set_rest(bytes + n, all - n);
	if (!asked && pump())
		ask();
	port_give();
	return n;
}

ssize_t console_write(const void *buf, size_t n)
{
	const uint8_t *bytes = buf;
	size_t done = 0;
	bool shielded =
		go_shield(true); /* a stream that fails would lose what others have printed */

	(void)sema_acquire(&tx_turn);
	set_rest(bytes, n);
	while (done < n) {
		size_t piece = tx_put(bytes + done, n - done);

		done += piece;
		if (piece > 0)
			continue;
		/* The device will interrupt, so this is no deadlock. */
		atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
		(void)event_wait(&tx_room);
		atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
	}
	sema_release(&tx_turn);
	console_echo();
	go_shield(shielded);
	return (ssize_t)n;
}

static uint32_t tx_left(void)
{
	uint32_t n;

	port_take();
	n = tx_count();
	port_give();
	return n;
}

void console_echo(void)
{
	uint8_t some[SEND_GO];

	/* Looked at again when the turn has been given back: who comes meanwhile leaves it to us. */
	while (terminal_echo_left() && tx_left() <= RING_SIZE - SEND_GO &&
	       sema_try_acquire(&tx_turn) == 0) {
		if (tx_left() <= RING_SIZE - SEND_GO)
			(void)tx_put(some, terminal_take_echo(some, SEND_GO));
		sema_release(&tx_turn);
	}
}

void console_drain(void)
{
	while (tx_left() > 0 && time_sleep(NSEC_PER_MSEC) == 0)
		;
}

/* ---- Polled output -------------------------------------------------------------------------- */

static bool ready; /* set by console_init */

bool console_hold(void)
{
	uint8_t *here;
	bool held;

	if (!ready)
		return false;
	here = &inside[core_here()->index];
	/* Nobody waits for what this core itself has interrupted. */
	held = spin_lock_for(&port_lock, *here ? 0 : NSEC_PER_SEC / 10);
	if (held)
		(*here)++;

	/* Only what is there now: without the lock, others may go on writing for ever. */
	uint32_t end = atomic_load_explicit(&tx_head, memory_order_relaxed);

	while ((int32_t)(end - atomic_load_explicit(&tx_tail, memory_order_relaxed)) > 0)
		send_waiting_bytes(1);
	return held;
}

void console_release(bool held)
{
	if (!ready)
		return;
	if (pump())
		ask();
	if (held) {
		spin_unlock(&port_lock);
		inside[core_here()->index]--;
	}
	event_post(&tx_room);
}

void console_flush_polled(void)
{
	struct co *self = arch_current();
	bool held;

	if (!ready)
		return;
	/* Not preempt_disable: in a handler, or in a panic, its end must not switch. */
	self->nopreempt++;
	held = console_hold();
	while (!uart_sent())
		arch_relax();
	console_release(held);
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
	struct co *self = arch_current();
	uint32_t head;
	uint8_t last;
	bool held;

	self->nopreempt++; /* as in console_flush_polled */
	held = console_hold();
	head = atomic_load_explicit(&tx_head, memory_order_relaxed);
	last = head > 0 ? tx[(head - 1) % RING_SIZE] : '\n';
	last = put_all(atomic_load_explicit(&tx_rest, memory_order_relaxed),
		       atomic_exchange_explicit(&tx_rest_size, 0, memory_order_relaxed), last);
	if (put_all(more, n, last) != '\n')
		arch_early_putc('\n');
	console_release(held);
	self->nopreempt--;
}

/* ---- The interrupt -------------------------------------------------------------------------- */

/* On the handler's core, behind it. */
static void serve_port(void *unused)
{
	bool room;

	(void)unused;
	port_take();
	(void)pump();
	ask();
	room = tx_count() <= RING_SIZE / 2;
	port_give();
	if (room) {
		event_post(&tx_room);
		console_echo();
	}
}

static void console_interrupt(void *arg)
{
	static struct irq_work work;
	bool came = input_receive();

	(void)arg;
	/* A port that could send would interrupt until serve_port has run. Also where nothing changes: an
	 * edge that came while we were here is made anew. */
	uart_enable_irqs(input_is_stopped() ? 0 : UART_IRQ_RECEIVED);
	irq_defer(&work, serve_port, NULL);
	if (came)
		terminal_wake();
}

void console_ask_for_input(void)
{
	port_take();
	ask();
	port_give();
}

void console_init(void)
{
	sema_init(&tx_turn, 1);
	terminal_init();
	input_init(uart_init(machine.console_base));
	ready = true;
	if (irq_attach_kernel(machine.console_irq, console_interrupt, NULL) < 0)
		panic("the console's interrupt %u cannot be attached", machine.console_irq);
	console_ask_for_input();
}
