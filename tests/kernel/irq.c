/*
 * Interrupts, with a device that every machine here has: on x86-64 channel 0 of the 8254 timer, by
 * its I/O ports; on ARM64 a shared interrupt that no device uses, set pending in the GIC's
 * distributor.
 */
#include "test.h"

#ifdef __x86_64__

enum { IRQ = 2 }; /* the timer's ISA interrupt 0 is global system interrupt 2 */

static void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

/* Mode 0: one interrupt, some time after the count has been written. */
static void raise_irq(void)
{
	out8(0x43, 0x30);
	out8(0x40, 0x00);
	out8(0x40, 0x01); /* 256 / 1.19 MHz = 215 us */
}

static void quiet(void)
{
	out8(0x43, 0x30); /* waits for a count, which does not come */
}

#else

enum { IRQ = 32 + 90 };

#define GICD_ISPENDR ((volatile uint32_t *)0x08000200)
#define GICD_ICPENDR ((volatile uint32_t *)0x08000280)

static void raise_irq(void)
{
	GICD_ISPENDR[IRQ / 32] = 1u << IRQ % 32;
}

/* What came while nobody was attached is pending still. */
static void quiet(void)
{
	GICD_ICPENDR[IRQ / 32] = 1u << IRQ % 32;
}

#endif

static struct waitgroup all;
static struct event event;
static _Atomic int handled, wrong;
static struct irq_work work;

static void until(_Atomic int *what, int n)
{
	uint64_t start = time_now();

	while (*what < n && patience(start))
		time_sleep(50 * NSEC_PER_USEC);
	expect(*what >= n);
}

/* ---- Attaching ---- */

static void count(void *arg)
{
	handled++;
	wrong += arg != &wrong;
}

static void test_attach(void)
{
	expect_eq(irq_attach(IRQ, NULL, NULL), -EINVAL);
	expect_eq(irq_attach(100000, count, NULL), -EINVAL);
	expect_eq(irq_attach(UINT32_MAX, count, NULL), -EINVAL);
	expect_eq(irq_detach(IRQ), -EINVAL);
	expect_eq(irq_detach(100000), -EINVAL);
	expect_eq(irq_attach(IRQ, count, &wrong), 0);
	expect_eq(irq_attach(IRQ, count, &wrong), -EBUSY);
	expect_eq(irq_detach(IRQ), 0);
	expect_eq(irq_detach(IRQ), -EINVAL);
	expect_eq(irq_attach(IRQ, count, &wrong), 0);
	verdict("irq_attach and irq_detach: bad arguments, twice");

	handled = 0;
	for (int i = 1; i <= 10; i++) {
		raise_irq();
		until(&handled, i);
	}
	expect_eq(wrong, 0);
	expect_eq(irq_detach(IRQ), 0);
	int n = handled;
	raise_irq();
	time_sleep(2 * NSEC_PER_MSEC);
	expect_eq(handled, n);
	quiet();
	verdict("a handler runs with its argument, and not after irq_detach");
}

/* ---- event_post from a handler ---- */

static void post(void *arg)
{
	handled++;
	event_post(arg);
}

static void wait_for_irqs(void *arg)
{
	for (int i = 0; i < 10; i++) {
		raise_irq();
		expect_eq(event_wait(&event), 0);
	}
	waitgroup_done(&all);
}

static void spin_a_while(void *arg)
{
	spin_ns(10 * NSEC_PER_MSEC);
	waitgroup_done(&all);
}

static void test_event(void)
{
	expect_eq(irq_attach(IRQ, post, &event), 0);
	for (int core = 0; core < runtime_cores(); core++) {
		handled = 0;
		waitgroup_add(&all, 1);
		expect_eq(go_with(&(struct go_options){.core = 1 + core}, wait_for_irqs, NULL), 0);
		if (core & 1) { /* busy cores */
			waitgroup_add(&all, 4);
			for (int i = 0; i < 4; i++)
				go(spin_a_while, NULL);
		}
		waitgroup_wait(&all);
		expect(handled >= 10);
	}
	verdict("event_post from a handler wakes a coroutine on every core");

	/* Nobody else: all cores sleep, and it is no deadlock. */
	for (int i = 0; i < 20; i++) {
		raise_irq();
		expect_eq(event_wait(&event), 0);
	}
	verdict("an attached interrupt that somebody waits for keeps the machine alive");

	raise_irq();
	expect_eq(event_wait_until(&event, time_now() + 20 * NSEC_PER_SEC), 0);
	expect_eq(event_wait_until(&event, time_now() + NSEC_PER_MSEC), -ETIMEDOUT);
	expect_eq(irq_detach(IRQ), 0);
	verdict("event_wait_until: by the interrupt, or the deadline");
}

/* ---- irq_defer ---- */

static struct chan *values;
static struct sema sema;
static struct waitgroup done;
static struct mutex lock;
static struct cond cond;
static _Atomic int deferred, kind, fp;
static _Atomic bool owed; /* done is to be counted down, by one interrupt of those that may come */

/* All that is allowed here. */
static void serve(void *arg)
{
	int n = ++deferred, value;
	struct select_case k[2] = {{values, SELECT_SEND, &n, 0}, {NULL, SELECT_RECV, NULL, 0}};

	wrong += arg != &kind;
	switch (kind) {
	case 0:
		wrong += chan_try_send(values, &n) != 0;
		break;
	case 1:
		sema_release(&sema);
		break;
	case 2:
		if (atomic_exchange(&owed, false))
			waitgroup_done(&done);
		break;
	case 3:
		cond_signal(&cond);
		break;
	case 4:
		wrong += chan_try_select(k, 2) != 0;
		break;
	case 5:
		wrong += chan_try_recv(values, &value) != 0;
		break;
	default:
		event_post(&event);
	}
}

static void defer_it(void *arg)
{
	handled++;
	irq_defer(&work, serve, arg);
	irq_defer(&work, serve, arg); /* queued already: once */
	/* Handlers may use floating point. */
	fp = fp + (int)(0.5 * (double)(handled + 1) * 2.0) - handled;
}

/* By another coroutine: the caller waits by then, or soon. */
static void raise_elsewhere(void *arg)
{
	raise_irq();
}

static void raise_later(void)
{
	go(raise_elsewhere, NULL);
}

static void test_defer(void)
{
	int value = 0, five = 5;

	values = chan_of(int, 0);
	deferred = handled = fp = 0;
	expect_eq(irq_attach(IRQ, defer_it, &kind), 0);
	for (int round = 0; round < 21; round++) {
		kind = round % 7;
		if (kind == 2) {
			waitgroup_add(&done, 1);
			owed = true;
		}
		if (kind == 3)
			mutex_lock(&lock);
		raise_later();
		switch (kind) {
		case 0:
		case 4:
			/* The interrupt may be here before the receiver. */
			while (chan_recv_until(values, &value, time_now() + 5 * NSEC_PER_MSEC) !=
			       0) {
				wrong = 0;
				raise_later();
			}
			break;
		case 1:
			expect_eq(sema_acquire(&sema), 0);
			break;
		case 2:
			expect_eq(waitgroup_wait(&done), 0);
			break;
		case 3:
			while (cond_wait_until(&cond, &lock, time_now() + 5 * NSEC_PER_MSEC) != 0)
				raise_later();
			mutex_unlock(&lock);
			break;
		case 5:
			while (chan_send_until(values, &five, time_now() + 5 * NSEC_PER_MSEC) !=
			       0) {
				wrong = 0;
				raise_later();
			}
			break;
		default:
			expect_eq(event_wait(&event), 0);
		}
		time_sleep(NSEC_PER_MSEC); /* what was raised too often */
		event_wait_until(&event, 0);
		while (sema_try_acquire(&sema) == 0)
			;
	}
	expect(handled >= 21);
	expect(deferred >= 21 && deferred <= handled);
	expect_eq(fp, handled);
	expect_eq(irq_detach(IRQ), 0);
	chan_free(values);
	verdict("irq_defer: try_ calls, sema_release, waitgroup_done, cond_signal");
}

/* ---- While everything else goes on ---- */

static void busy(void *arg)
{
	struct chan *c = arg;
	int value = 0;

	for (int i = 0; i < amount(2000); i++) {
		chan_send(c, &i);
		chan_recv(c, &value);
		if (i % 64 == 0)
			free(malloc(100));
	}
	waitgroup_done(&all);
}

static void defer_post(void *arg)
{
	deferred++;
	event_post(arg);
}

static void handle_busy(void *arg)
{
	handled++;
	irq_defer(&work, defer_post, arg);
}

static void test_busy(void)
{
	struct chan *c = chan_of(int, 8);
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	handled = deferred = 0;
	expect_eq(irq_attach(IRQ, handle_busy, &event), 0);
	waitgroup_add(&all, 4);
	for (int i = 0; i < 4; i++)
		go(busy, c);
	for (int i = 0; i < amount(100); i++) {
		raise_irq();
		expect_eq(event_wait_until(&event, time_now() + 20 * NSEC_PER_SEC), 0);
	}
	waitgroup_wait(&all);
	expect_eq(irq_detach(IRQ), 0);
	runtime_set_quantum(old);
	chan_free(c);
	verdict("interrupts among coroutines that are preempted");

	for (int i = 0; i < amount(200); i++) { /* one may be on its way */
		expect_eq(irq_attach(IRQ, handle_busy, &event), 0);
		raise_irq();
		if (i & 1)
			spin_ns(250 * NSEC_PER_USEC);
		expect_eq(irq_detach(IRQ), 0);
	}
	verdict("attached and detached while they come");
}

/* ---- A dump that somebody at the console asks for, while memory is taken back ---- */

enum { DUMPS = 10 };

/* The kernel's. */
void panic_dump_request(void);
size_t slab_reclaim(void);

/* Does little else than what the next interrupt is to come in the middle of. */
static void take_back(void *arg)
{
	int before = handled;

	if (test_smp == 1)
		raise_irq();
	for (int i = 0; i < 200000 && handled == before; i++)
		slab_reclaim();
}

static void dump(void *arg)
{
	panic_dump_request();
	if (++handled < DUMPS)
		irq_defer(&work, take_back, NULL);
}

/* On the last core. */
static void ask_for_dumps(void *arg)
{
	for (int i = 0; i < DUMPS; i++) {
		raise_irq();
		while (handled <= i)
			go_yield();
	}
	waitgroup_done(&all);
}

static void test_dump(void)
{
	handled = 0;
	go_pin(0);
	expect_eq(irq_attach(IRQ, dump, NULL), 0);
	waitgroup_add(&all, 1);
	go_with(&(struct go_options){.core = test_smp}, ask_for_dumps, NULL);
	waitgroup_wait(&all);
	time_sleep(NSEC_PER_MSEC); /* what was raised too often */
	expect_eq(irq_detach(IRQ), 0);
	go_pin(-1);
	verdict("a dump that comes while memory is taken back comes through");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 10);
	test_attach();
	test_event();
	test_defer();
	test_busy();
	test_dump();
	until_alone();
	verdict("everybody has ended");
	return test_end();
}
