/*
 * More ways to die, of groups, selects, locks and interrupts: as deaths.c. The functions outer,
 * inner and the one that does it must appear in the backtrace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define FUNCTION __attribute__((noinline, noclone))

/* Keeps a call from becoming a jump, which would hide the caller from the backtrace. */
#define STAY() asm volatile("" ::: "memory")

static struct rwmutex rw;
static struct mutex mutex;
static struct cond cond;
static struct chan *channel, *other;
static struct event event;

static void until_parked(size_t n)
{
	struct runtime_stats stats = {0};

	while (stats.parked < n)
		go_yield(), runtime_stats(&stats);
}

/* ---- rwmutex ---- */

FUNCTION static void do_rwmutex_unlocked(void)
{
	rwmutex_unlock(&rw);
	STAY();
}

FUNCTION static void do_rwmutex_reader(void)
{
	rwmutex_rlock(&rw);
	rwmutex_unlock(&rw);
	STAY();
}

FUNCTION static void do_rwmutex_runlock(void)
{
	rwmutex_lock(&rw);
	rwmutex_runlock(&rw);
	STAY();
}

FUNCTION static void do_rwmutex_twice(void)
{
	rwmutex_lock(&rw);
	rwmutex_lock(&rw);
	STAY();
}

static void write_lock(void *arg)
{
	rwmutex_lock(&rw);
	event_post(&event);
	time_sleep(TIME_NEVER - 1);
	STAY();
}

FUNCTION static void do_rwmutex_other(void)
{
	go(write_lock, NULL);
	event_wait(&event);
	rwmutex_unlock(&rw);
	STAY();
}

/* ---- Held by one that has ended, and whose memory is now that of another ---- */

static void lock_both(void *arg)
{
	mutex_lock(&mutex);
	rwmutex_lock(&rw);
	STAY();
}

static void unlock_mutex(void *arg)
{
	mutex_unlock(&mutex);
	STAY();
}

static void unlock_rwmutex(void *arg)
{
	rwmutex_unlock(&rw);
	STAY();
}

static void lock_mutex(void *arg)
{
	mutex_lock(&mutex);
	STAY();
}

static void lock_rwmutex(void *arg)
{
	rwmutex_lock(&rw);
	STAY();
}

/* fn in many that begin one after the other: some have the memory of the one that ended. */
static void after_the_end(go_fn *fn)
{
	struct go_options grows = {.stack = 64 * 1024};
	size_t before = runtime_count();

	go_with(&grows, lock_both, NULL);
	while (runtime_count() > before)
		go_yield();
	for (int i = 0; i < 8; i++) {
		go_with(&grows, fn, NULL);
		go_yield();
	}
	time_sleep(TIME_NEVER - 1);
}

FUNCTION static void do_mutex_ended(void)
{
	after_the_end(unlock_mutex);
}

FUNCTION static void do_rwmutex_ended(void)
{
	after_the_end(unlock_rwmutex);
}

static void wait_and_dump(go_fn *fn)
{
	go_with(&(struct go_options){.name = "waits"}, fn, NULL);
	until_parked(3); /* that one, who has it, and main */
	runtime_dump();
	exit(0);
}

/* A dump of a machine that goes on says who holds what. */
FUNCTION static void do_dump_holder(void)
{
	go_with(&(struct go_options){.name = "has it"}, write_lock, NULL);
	event_wait(&event);
	wait_and_dump(lock_rwmutex);
}

static void lock_and_sleep(void *arg)
{
	mutex_lock(&mutex);
	event_post(&event);
	time_sleep(TIME_NEVER - 1);
}

FUNCTION static void do_dump_mutex(void)
{
	go_with(&(struct go_options){.name = "has it"}, lock_and_sleep, NULL);
	event_wait(&event);
	wait_and_dump(lock_mutex);
}

FUNCTION static void do_dump_ended(void)
{
	size_t before = runtime_count();

	go(lock_both, NULL);
	while (runtime_count() > before)
		go_yield();
	go(lock_rwmutex, NULL);
	wait_and_dump(lock_mutex);
}

/* ---- cond, channels, generators ---- */

FUNCTION static void do_cond_unlocked(void)
{
	cond_wait(&cond, &mutex);
	STAY();
}

static void select_both(void *arg)
{
	struct select_case k[2] = {{channel, SELECT_RECV, NULL, 0}, {other, SELECT_SEND, NULL, 0}};

	chan_select(k, 2);
	STAY();
}

FUNCTION static void do_chan_free_select(void)
{
	channel = chan_make(0, 0);
	other = chan_make(0, 0);
	go(select_both, NULL);
	until_parked(2); /* that one, and main */
	chan_free(other);
	STAY();
}

static void wait_long(struct gen *g, void *arg)
{
	time_sleep(TIME_NEVER - 1);
	STAY();
}

static void next_value(void *arg)
{
	gen_next(arg, NULL);
	STAY();
}

FUNCTION static void do_gen_busy(void)
{
	struct gen *g = gen_make(wait_long, NULL, 0);

	go(next_value, g);
	until_parked(3); /* that one, the body, and main */
	gen_next(g, NULL);
	STAY();
}

/* ---- Blocking where nothing can block ---- */

#ifdef __x86_64__
enum { IRQ = 2 }; /* channel 0 of the 8254 timer */

static void out8(unsigned short port, unsigned char value)
{
	asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static void raise_irq(void)
{
	out8(0x43, 0x30);
	out8(0x40, 0x00);
	out8(0x40, 0x01);
}
#else
enum { IRQ = 32 + 90 }; /* which no device has: set pending in the GIC's distributor */

static void raise_irq(void)
{
	((volatile unsigned *)0x08000200)[IRQ / 32] = 1u << IRQ % 32;
}
#endif

FUNCTION static void sleep_in_handler(void *arg)
{
	time_sleep(1000);
	STAY();
}

static struct irq_work work;

FUNCTION static void receive_in_deferred(void *arg)
{
	chan_recv(channel, NULL);
	STAY();
}

static void defer(void *arg)
{
	irq_defer(&work, receive_in_deferred, NULL);
}

FUNCTION static void do_irq_blocking(void)
{
	irq_attach(IRQ, sleep_in_handler, NULL);
	raise_irq();
	time_sleep(TIME_NEVER - 1);
	STAY();
}

FUNCTION static void do_irq_deferred(void)
{
	channel = chan_make(0, 0);
	irq_attach(IRQ, defer, NULL);
	raise_irq();
	time_sleep(TIME_NEVER - 1);
	STAY();
}

/* ---- Deadlock ---- */

FUNCTION static void do_deadlock_select(void)
{
	struct select_case k[2] = {{NULL, SELECT_RECV, NULL, 0}, {NULL, SELECT_NONE, NULL, 0}};

	go_with(&(struct go_options){.name = "on-both"}, select_both, NULL);
	until_parked(1);
	chan_select(k, 2);
	STAY();
}

static int member(void *arg)
{
	chan_recv(arg, NULL);
	STAY();
	return 0;
}

static void read_lock(void *arg)
{
	rwmutex_rlock(&rw);
	STAY();
}

static void wait_cond(void *arg)
{
	mutex_lock(&mutex);
	cond_wait(&cond, &mutex);
	STAY();
}

static void nothing(void *arg)
{
}

/* All timers have been stopped or have fired, a group's deadline is none, a ticker is no more. */
FUNCTION static void do_deadlock_group(void)
{
	struct timer t = {0};
	struct ticker ticker;
	struct group g;

	timer_start(&t, time_now() + 1000 * NSEC_PER_SEC, 0, nothing, NULL);
	ticker_start(&ticker, NSEC_PER_MSEC);
	chan_recv(ticker.chan, NULL);
	ticker_stop(&ticker);
	chan_free(time_after(1000 * NSEC_PER_SEC));
	timer_stop(&t);
	rwmutex_lock(&rw);
	go_with(&(struct go_options){.name = "on-rwmutex"}, read_lock, NULL);
	go_with(&(struct go_options){.name = "on-cond"}, wait_cond, NULL);
	group_init(&g, TIME_NEVER);
	group_go(&g, member, chan_make(0, 0));
	group_wait(&g);
	STAY();
}

/* ---- Choosing one ---- */

static const struct death {
	const char *name;
	void (*fn)(void);
	bool in_main;
} deaths[] = {
	{"rwmutex-unlocked", do_rwmutex_unlocked, false},
	{"rwmutex-reader", do_rwmutex_reader, false},
	{"rwmutex-runlock", do_rwmutex_runlock, false},
	{"rwmutex-twice", do_rwmutex_twice, false},
	{"rwmutex-other", do_rwmutex_other, false},
	{"mutex-ended", do_mutex_ended, false},
	{"rwmutex-ended", do_rwmutex_ended, false},
	{"dump-holder", do_dump_holder, false},
	{"dump-mutex", do_dump_mutex, false},
	{"dump-ended", do_dump_ended, false},
	{"cond-unlocked", do_cond_unlocked, false},
	{"chan-free-select", do_chan_free_select, false},
	{"gen-busy", do_gen_busy, false},
	{"irq-blocking", do_irq_blocking, false},
	{"irq-deferred", do_irq_deferred, false},
	{"deadlock-select", do_deadlock_select, true},
	{"deadlock-group", do_deadlock_group, true},
};

FUNCTION static void inner(const struct death *d)
{
	d->fn();
	STAY();
}

FUNCTION static void outer(const struct death *d)
{
	inner(d);
	STAY();
}

static void victim(void *arg)
{
	outer(arg);
	STAY();
}

static void hog(void *arg)
{
	for (volatile unsigned i = 0;; i++)
		;
}

/* misuse NAME [hogs]: with hogs the other cores are busy when it happens. */
int main(int argc, char **argv)
{
	struct event never = {0};

	channel = other = NULL;
	for (size_t i = 0; argc > 1 && i < sizeof deaths / sizeof deaths[0]; i++) {
		const struct death *d = &deaths[i];
		if (strcmp(d->name, argv[1]) != 0)
			continue;
		for (int core = 1; argc > 2 && core < runtime_cores(); core++)
			go_with(&(struct go_options){.core = 1 + core}, hog, NULL);
		if (d->in_main)
			outer(d);
		go_with(&(struct go_options){.name = "the victim"}, victim, (void *)(uintptr_t)d);
		event_wait(&never);
	}
	printf("no such death\n");
	return 1;
}
