/*
 * More ways to die, of groups, locks and interrupts: as deaths.c. The functions outer,
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

	go_pin(0); /* a core's numbers are in order, and so is the dump */
	go(lock_both, NULL);
	while (runtime_count() > before)
		go_yield();
	go(lock_rwmutex, NULL);
	wait_and_dump(lock_mutex);
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

static void die_in(void (*handler)(void *))
{
	irq_attach(IRQ, handler, NULL);
	raise_irq();
	time_sleep(TIME_NEVER - 1);
	STAY();
}

FUNCTION static void do_irq_blocking(void)
{
	die_in(sleep_in_handler);
}

FUNCTION static void do_irq_deferred(void)
{
	channel = chan_make(0, 0);
	die_in(defer);
}

/* ---- More stack than interrupts and their functions have ---- */

FUNCTION static void go_deep(void *arg)
{
	volatile char frame[400] = {(char)(uintptr_t)arg};

	if (arg)
		go_deep((char *)arg - 1);
	STAY();
	(void)frame;
}

FUNCTION static void one_large_frame(void *arg)
{
	volatile char frame[100 * 1024] = {1};

	STAY();
	(void)frame;
}

static void deep_handler(void *arg)
{
	go_deep((void *)1000);
}

static void defer_deep(void *arg)
{
	irq_defer(&work, deep_handler, NULL);
}

/* The same where there are no interrupts. */
FUNCTION static void do_core_overflow(void)
{
	defer_deep(NULL);
	for (;;)
		go_yield();
}

FUNCTION static void do_irq_overflow(void)
{
	die_in(deep_handler);
}

FUNCTION static void do_irq_overflow_far(void)
{
	die_in(one_large_frame);
}

FUNCTION static void do_deferred_overflow(void)
{
	die_in(defer_deep);
}

/* ---- Every call, where only a few are allowed ---- */

static struct waitgroup wg;
static struct sema sema;
static struct once once;
static struct timer timer;
static struct ticker ticker;
static struct group group;
static struct future future;
static struct pool *pool;
static struct gen *gen;
static void *block;
static struct select_case cases[1];

static void nothing(void *arg)
{
}

static int member(void *arg)
{
	chan_recv(arg, NULL);
	STAY();
	return 0;
}

static void *futures(void *arg)
{
	return arg;
}

static void body(struct gen *g, void *arg)
{
}

/* Each could succeed at once. The last ones may wait. */
#define CALLS(X) \
	X(go, go(nothing, NULL)) \
	X(go_copy, go_copy(nothing, &group, 8)) \
	X(go_with, go_with(NULL, nothing, NULL)) \
	X(go_defer, go_defer(nothing, NULL)) \
	X(go_id, go_id()) \
	X(go_name, go_name()) \
	X(go_shield, go_shield(true)) \
	X(chan_make, chan_make(1, 1)) \
	X(chan_free, chan_free(NULL)) \
	X(chan_close, chan_close(channel)) \
	X(chan_len, chan_len(channel)) \
	X(chan_cap, chan_cap(channel)) \
	X(chan_try_send, chan_try_send(channel, (void *)NULL)) \
	X(chan_try_recv, chan_try_recv(channel, (void *)NULL)) \
	X(chan_try_select, chan_try_select(cases, 1)) \
	X(mutex_try_lock, mutex_try_lock(&mutex)) \
	X(mutex_unlock, mutex_unlock(&mutex)) \
	X(rwmutex_unlock, rwmutex_unlock(&rw)) \
	X(rwmutex_runlock, rwmutex_runlock(&rw)) \
	X(rwmutex_try_lock, rwmutex_try_lock(&rw)) \
	X(rwmutex_try_rlock, rwmutex_try_rlock(&rw)) \
	X(cond_signal, cond_signal(&cond)) \
	X(cond_broadcast, cond_broadcast(&cond)) \
	X(waitgroup_add, waitgroup_add(&wg, 1)) \
	X(waitgroup_done, waitgroup_done(&wg)) \
	X(waitgroup_go, waitgroup_go(&wg, nothing, NULL)) \
	X(sema_init, sema_init(&sema, 1)) \
	X(sema_try_acquire, sema_try_acquire(&sema)) \
	X(sema_release, sema_release(&sema)) \
	X(timer_start, timer_start(&timer, 0, 0, nothing, NULL)) \
	X(timer_stop, timer_stop(&timer)) \
	X(time_after, time_after(0)) \
	X(ticker_start, ticker_start(&ticker, NSEC_PER_SEC)) \
	X(ticker_stop, ticker_stop(&ticker)) \
	X(group_init, group_init(&group, TIME_NEVER)) \
	X(group_go, group_go(&group, member, NULL)) \
	X(group_cancel, group_cancel(&group, -1)) \
	X(group_error, group_error(&group)) \
	X(future_start, future_start(&future, futures, NULL)) \
	X(pool_make, pool_make(1, 1)) \
	X(pool_try_submit, pool_try_submit(pool, nothing, NULL)) \
	X(pool_resize, pool_resize(pool, 2)) \
	X(gen_make, gen_make(body, NULL, 0)) \
	X(runtime_cores, runtime_cores()) \
	X(runtime_core, runtime_core()) \
	X(runtime_procs, runtime_procs(0)) \
	X(runtime_set_quantum, runtime_set_quantum(0)) \
	X(runtime_count, runtime_count()) \
	X(runtime_stats, runtime_stats(&(struct runtime_stats){0})) \
	X(runtime_list, runtime_list(NULL, 0)) \
	X(runtime_core_stats, runtime_core_stats(0, NULL)) \
	X(runtime_dump, runtime_dump()) \
	X(runtime_cpu_ns, runtime_cpu_ns(NULL)) \
	X(runtime_processor, runtime_processor()) \
	X(runtime_memory, runtime_memory()) \
	X(irq_attach, irq_attach(IRQ, nothing, NULL)) \
	X(irq_detach, irq_detach(IRQ)) \
	X(malloc, block = malloc(8)) \
	X(calloc, block = calloc(8, 8)) \
	X(realloc, block = realloc(block, 8)) \
	X(free, free(block)) \
	X(go_yield, go_yield()) \
	X(go_exit, go_exit()) \
	X(go_pin, go_pin(0)) \
	X(chan_send, chan_send(channel, (void *)NULL)) \
	X(chan_recv, chan_recv(channel, (void *)NULL)) \
	X(chan_send_until, chan_send_until(channel, (void *)NULL, 0)) \
	X(chan_recv_until, chan_recv_until(channel, (void *)NULL, 0)) \
	X(chan_select, chan_select(cases, 1)) \
	X(chan_select_until, chan_select_until(cases, 1, 0)) \
	X(mutex_lock, mutex_lock(&mutex)) \
	X(rwmutex_lock, rwmutex_lock(&rw)) \
	X(rwmutex_rlock, rwmutex_rlock(&rw)) \
	X(cond_wait, cond_wait(&cond, &mutex)) \
	X(cond_wait_until, cond_wait_until(&cond, &mutex, 0)) \
	X(once_do, once_do(&once, nothing, NULL)) \
	X(waitgroup_wait, waitgroup_wait(&wg)) \
	X(waitgroup_wait_until, waitgroup_wait_until(&wg, 0)) \
	X(sema_acquire, sema_acquire(&sema)) \
	X(sema_acquire_until, sema_acquire_until(&sema, 0)) \
	X(event_wait, event_wait(&event)) \
	X(event_wait_until, event_wait_until(&event, 0)) \
	X(time_sleep, time_sleep(0)) \
	X(time_sleep_until, time_sleep_until(0)) \
	X(group_wait, group_wait(&group)) \
	X(future_await, future_await(&future, NULL)) \
	X(future_await_until, future_await_until(&future, NULL, 0)) \
	X(pool_submit, pool_submit(pool, nothing, NULL)) \
	X(pool_free, pool_free(NULL)) \
	X(gen_next, gen_next(gen, NULL)) \
	X(gen_yield, gen_yield(gen, NULL)) \
	X(gen_free, gen_free(NULL))

#define DEFINE(name, call) \
	FUNCTION static void call_##name(void *arg) \
	{ \
		call; \
		STAY(); \
	}
CALLS(DEFINE)

#define ENTRY(name, call) {#name, call_##name},
static const struct call {
	const char *name;
	go_fn *fn;
} calls[] = {CALLS(ENTRY)};

static void defer_call(void *arg)
{
	irq_defer(&work, ((const struct call *)arg)->fn, NULL);
}

static const char *call_name;

/* The call that the third word names, in a handler, while this coroutine has the locks; or deferred. */
static void do_call(bool deferred)
{
	channel = chan_make(0, 1);
	cases[0] = (struct select_case){channel, SELECT_SEND, NULL, 0};
	group_init(&group, TIME_NEVER);
	event_post(&event);
	sema_init(&sema, 1);
	mutex_lock(&mutex);
	rwmutex_lock(&rw);
	waitgroup_add(&wg, 1);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (!strcmp(calls[i].name, call_name))
			deferred ? irq_attach(IRQ, defer_call, (void *)&calls[i])
				 : irq_attach(IRQ, calls[i].fn, NULL);
	raise_irq();
	for (volatile bool on = true; on;) /* however late the interrupt comes */
		;
}

FUNCTION static void do_irq_call(void)
{
	do_call(false);
	STAY();
}

FUNCTION static void do_deferred_call(void)
{
	do_call(true);
	STAY();
}

/* ---- Deadlock ---- */

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

/* All timers have been stopped or have fired, a group's deadline is none, a ticker is no more. */
FUNCTION static void do_deadlock_group(void)
{
	struct timer t = {0};
	struct ticker ticker;
	struct group g;

	go_pin(0); /* a core's numbers are in order, and so is the dump */
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
	{"irq-blocking", do_irq_blocking, false},
	{"irq-deferred", do_irq_deferred, false},
	{"irq-overflow", do_irq_overflow, false},
	{"irq-overflow-far", do_irq_overflow_far, false},
	{"deferred-overflow", do_deferred_overflow, false},
	{"core-overflow", do_core_overflow, true},
	{"irq-call", do_irq_call, false},
	{"deferred-call", do_deferred_call, false},
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

/* misuse NAME [hogs]: with hogs the other cores are busy when it happens. irq-call and deferred-call: the
 * next word is the call. */
int main(int argc, char **argv)
{
	struct event never = {0};

	bool hogs = argc > 2 && strcmp(argv[2], "hogs") == 0;

	call_name = argc > 2 ? argv[2] : "";
	channel = other = NULL;
	for (size_t i = 0; argc > 1 && i < sizeof deaths / sizeof deaths[0]; i++) {
		const struct death *d = &deaths[i];
		if (strcmp(d->name, argv[1]) != 0)
			continue;
		for (int core = 1; hogs && core < runtime_cores(); core++)
			go_with(&(struct go_options){.core = 1 + core}, hog, NULL);
		if (d->in_main)
			outer(d);
		go_with(&(struct go_options){.name = "the victim"}, victim, (void *)(uintptr_t)d);
		event_wait(&never);
	}
	printf("no such death\n");
	return 1;
}
