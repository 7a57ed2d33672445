/*
 * Every way to die, by name: tests/golden/NAME.txt says what the console must show. The functions
 * outer, inner and the one that does it must appear in the backtrace.
 */
#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define FUNCTION __attribute__((noinline, noclone))

/* Keeps a call from becoming a jump, which would hide the caller from the backtrace. */
#define STAY() asm volatile("" ::: "memory")

/* A function that calls nothing has no frame, which hides its caller: those below call this. */
FUNCTION static void call(void)
{
	STAY();
}

static void sleep_on(void *arg)
{
	(void)arg;
	time_sleep(TIME_NEVER - 1);
	STAY();
}

/* Until n wait, and their cores have left their stacks: then a dump has these. */
static void until_stopped(int n)
{
	struct runtime_co list[20];
	int listed, stopped;

	do {
		go_yield();
		listed = runtime_list(list, 20);
		stopped = 0;
		for (int i = 0; i < listed && i < 20; i++)
			stopped += !strcmp(list[i].state, "waiting") && list[i].stack_used;
	} while (stopped < n);
}

/* ---- Said by the program ---- */

FUNCTION static void do_panic(void)
{
	runtime_panic("the %s is %d", "answer", 42);
}

FUNCTION static void do_assert(void)
{
	volatile int one = 1;
	assert(one == 2);
}

FUNCTION static void do_abort(void)
{
	abort();
}

/* Standard output is flushed before the panic is printed. */
FUNCTION static void do_panic_flush(void)
{
	printf("not flushed, no newline");
	runtime_panic("after output");
}

/* ---- Exceptions ---- */

static int *volatile null;
static const char constant[] = "constant";
static unsigned char data[64];

FUNCTION static void do_null_read(void)
{
	int value;

	call();
	value = *null;
	asm volatile("" ::"r"(value));
}

/* A member far from the beginning of a struct that is not there. */
FUNCTION static void do_null_far(void)
{
	int value;

	call();
	value = null[0x5000 / sizeof(int)];
	asm volatile("" ::"r"(value));
}

FUNCTION static void do_null_write(void)
{
	call();
	null[3] = 1;
	STAY();
}

FUNCTION static void do_write_code(void)
{
	call();
	*(volatile unsigned char *)(uintptr_t)do_panic = 0;
	STAY();
}

FUNCTION static void do_write_rodata(void)
{
	call();
	*(volatile char *)(uintptr_t)constant = 'C';
	STAY();
}

FUNCTION static void do_exec_data(void)
{
	void (*volatile fn)(void) = (void (*)(void))(uintptr_t)data;
	call();
	fn();
	STAY();
}

FUNCTION static void do_exec_stack(void)
{
	unsigned char here[64] = {0};
	void (*volatile fn)(void) = (void (*)(void))(uintptr_t)here;
	call();
	fn();
	STAY();
}

/* Without a frame: the caller is missing, or found some other way. */
FUNCTION static void do_leaf(void)
{
	null[1] = 1;
	STAY();
}

FUNCTION static void do_undefined(void)
{
	call();
#ifdef __x86_64__
	asm volatile("ud2");
#else
	asm volatile("udf #0");
#endif
	STAY();
}

FUNCTION static void do_divide(void)
{
#ifdef __x86_64__
	volatile int zero = 0, many = 100;
	call();
	many = many / zero;
#endif
	STAY();
}

/* ---- The stack ---- */

static volatile unsigned for_ever = UINT32_MAX;

FUNCTION static unsigned recurse(unsigned n)
{
	volatile unsigned char frame[100];
	unsigned sum = 0;

	frame[0] = (unsigned char)n;
	if (n < for_ever)
		sum = recurse(n + 1) + frame[0];
	STAY();
	return sum;
}

/* A bound that is wrong, by a note that is: what is called needs more than `call`.
 * depth: pointer deaths.c not_call(arg) : call */
FUNCTION static void much(void *arg)
{
	volatile char bytes[512];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(uintptr_t)arg;
}

static go_fn *volatile not_call = much;

static void too_deep(void *arg)
{
	not_call(arg);
	STAY();
}

FUNCTION static void do_short_bound(void)
{
	go(too_deep, NULL);
	time_sleep(TIME_NEVER - 1);
	STAY();
}

FUNCTION static void do_overflow(void)
{
	recurse(0);
	STAY();
}

/* ---- Misuse ---- */

static struct mutex mutex;
static struct waitgroup group;
static struct cond cond;
static struct chan *channel, *other;

FUNCTION static void do_mutex_twice(void)
{
	mutex_lock(&mutex);
	mutex_lock(&mutex);
	STAY();
}

FUNCTION static void do_mutex_unlocked(void)
{
	mutex_unlock(&mutex);
	STAY();
}

static void lock_it(void *arg)
{
	mutex_lock(arg);
	time_sleep(TIME_NEVER - 1);
	STAY();
}

FUNCTION static void do_mutex_other(void)
{
	go(lock_it, &mutex);
	while (mutex_try_lock(&mutex)) {
		mutex_unlock(&mutex);
		go_yield();
	}
	mutex_unlock(&mutex);
	STAY();
}

FUNCTION static void do_waitgroup(void)
{
	waitgroup_add(&group, 1);
	waitgroup_add(&group, -2);
	STAY();
}

FUNCTION static void do_elem_size(void)
{
	long value = 1;

	channel = chan_of(int, 1);
	chan_send(channel, &value);
	STAY();
}

static void receive(void *arg)
{
	chan_recv(arg, NULL);
	STAY();
}

FUNCTION static void do_chan_free(void)
{
	channel = chan_make(0, 0);
	go(receive, channel);
	until_stopped(2); /* that one, and main */
	chan_free(channel);
	STAY();
}

/* ---- The heap ---- */

static char *volatile block;

FUNCTION static void do_heap_twice(void)
{
	block = malloc(64);
	free(block);
	free(block);
	STAY();
}

/* One of whole pages, which are free afterwards. */
FUNCTION static void do_heap_twice_large(void)
{
	block = calloc(3, 5000);
	free(block);
	block = realloc(block, 20);
	STAY();
}

FUNCTION static void do_heap_inside(void)
{
	block = memalign(256, 300);
	block += 48;
	free(block);
	STAY();
}

FUNCTION static void do_heap_behind(void)
{
	block = malloc(100);
	block = realloc(block, 120);
	block[121] = 0;
	free(block);
	STAY();
}

FUNCTION static void do_heap_before(void)
{
	block = malloc(7000);
	block[-1] = 0;
	free(block);
	STAY();
}

FUNCTION static void do_heap_size_before(void)
{
	block = calloc(11, 3);
	block[-16] = 7;
	free(block);
	STAY();
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
	until_stopped(2); /* that one, and main */
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
	until_stopped(3); /* that one, the body, and main */
	gen_next(g, NULL);
	STAY();
}

/* ---- Deadlock: each waits for something else ---- */

static struct sema sema;
static struct event event;
static struct waitgroup never;

static void wait_sema(void *arg)
{
	(void)arg;
	sema_acquire(&sema);
	STAY();
}

static void wait_event(void *arg)
{
	(void)arg;
	event_wait(&event);
	STAY();
}

static void wait_send(void *arg)
{
	int value = 1;
	chan_send((struct chan *)arg, &value);
	STAY();
}

static void wait_mutex(void *arg)
{
	mutex_lock(arg);
	STAY();
}

FUNCTION static void do_deadlock(void)
{
	go_pin(0); /* a core's numbers are in order, and so is the dump */
	channel = chan_of(int, 0);
	mutex_lock(&mutex);
	go_with(&(struct go_options){.name = "on-sema"}, wait_sema, NULL);
	go_with(&(struct go_options){.name = "on-event"}, wait_event, NULL);
	go_with(&(struct go_options){.name = "on-send"}, wait_send, channel);
	go_with(&(struct go_options){.name = "on-recv"}, receive, chan_make(0, 0));
	go_with(&(struct go_options){.name = "on-mutex"}, wait_mutex, &mutex);
	waitgroup_add(&never, 1);
	waitgroup_wait(&never);
	STAY();
}

FUNCTION static void do_deadlock_select(void)
{
	struct select_case k[2] = {{NULL, SELECT_RECV, NULL, 0}, {NULL, SELECT_NONE, NULL, 0}};

	go_with(&(struct go_options){.name = "on-both"}, select_both, NULL);
	until_stopped(1);
	chan_select(k, 2);
	STAY();
}

/* main leaves, and the rest are stuck. */
FUNCTION static void do_deadlock_exit(void)
{
	go_with(&(struct go_options){.name = "on-sema"}, wait_sema, NULL);
	go_exit();
}

FUNCTION static void do_dump(void)
{
	go_pin(0); /* as in do_deadlock */
	go_with(&(struct go_options){.name = "sleeper"}, sleep_on, NULL);
	go_with(&(struct go_options){.name = "on-event"}, wait_event, NULL);
	until_stopped(2);
	runtime_dump();
	exit(0);
}

/* ---- A frame pointer that leads to a page which the stack does not have yet ---- */

static volatile int begun, ends;

/* Loops until *stop, with such a frame pointer: begun says that it has it. */
FUNCTION static void with_far_frame(volatile int *stop)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0) - 32 * 1024;

	call();
#ifdef __x86_64__
	asm volatile("xchgq %%rbp, %0; movl $1, (%2); 1: cmpl $0, (%1); je 1b; xchgq %%rbp, %0"
		     : "+r"(frame)
		     : "r"(stop), "r"(&begun)
		     : "memory", "cc");
#else
	asm volatile("mov x9, x29; mov x29, %0; mov w10, #1; str w10, [%2]; "
		     "1: ldr w10, [%1]; cbz w10, 1b; mov x29, x9"
		     :
		     : "r"(frame), "r"(stop), "r"(&begun)
		     : "x9", "x10", "memory");
#endif
	STAY();
}

FUNCTION static void do_far_frame(void)
{
	with_far_frame(NULL);
	STAY();
}

static void loop_far(void *arg)
{
	with_far_frame(arg);
	STAY();
}

/* One that was interrupted with it is in the dump, and who came after it is, too. */
FUNCTION static void do_dump_far_frame(void)
{
	struct go_options with = {.name = "far", .core = 1, .stack = 64 * 1024};

	go_pin(0);
	go_with(&with, loop_far, (void *)(uintptr_t)&ends);
	go_with(&(struct go_options){.name = "sleeper"}, sleep_on, NULL);
	while (!begun)
		go_yield();
	until_stopped(1);
	runtime_dump();
	exit(0);
}

/* ---- Choosing one ---- */

static const struct death {
	const char *name;
	void (*fn)(void);
	bool in_main;
} deaths[] = {
	{"panic", do_panic, true},
	{"panic-flush", do_panic_flush, false},
	{"assert", do_assert, false},
	{"abort", do_abort, false},
	{"null-read", do_null_read, false},
	{"null-far", do_null_far, false},
	{"null-write", do_null_write, false},
	{"write-code", do_write_code, false},
	{"write-rodata", do_write_rodata, false},
	{"exec-data", do_exec_data, false},
	{"exec-stack", do_exec_stack, false},
	{"leaf", do_leaf, false},
	{"undefined", do_undefined, false},
	{"divide", do_divide, false},
	{"short-bound", do_short_bound, true},
	{"overflow", do_overflow, false},
	{"overflow-main", do_overflow, true},
	{"mutex-twice", do_mutex_twice, false},
	{"mutex-unlocked", do_mutex_unlocked, false},
	{"mutex-other", do_mutex_other, false},
	{"waitgroup", do_waitgroup, false},
	{"elem-size", do_elem_size, false},
	{"chan-free", do_chan_free, false},
	{"cond-unlocked", do_cond_unlocked, false},
	{"chan-free-select", do_chan_free_select, false},
	{"gen-busy", do_gen_busy, false},
	{"heap-twice", do_heap_twice, false},
	{"heap-twice-large", do_heap_twice_large, false},
	{"heap-inside", do_heap_inside, false},
	{"heap-behind", do_heap_behind, false},
	{"heap-before", do_heap_before, false},
	{"heap-size-before", do_heap_size_before, false},
	{"deadlock", do_deadlock, true},
	{"deadlock-select", do_deadlock_select, true},
	{"deadlock-exit", do_deadlock_exit, true},
	{"dump", do_dump, true},
	{"dump-far-frame", do_dump_far_frame, true},
	{"far-frame", do_far_frame, false},
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
	(void)arg;
	for (volatile unsigned i = 0;; i++)
		;
}

/* deaths NAME [hogs]: with hogs the other cores are busy when it happens. */
int main(int argc, char **argv)
{
	struct go_options opt = {.name = "the victim", .stack = 64 * 1024};
	/* Its own stack: what is written below an exact one must not be a hog that has not begun. */
	struct go_options hogs = {.stack = 64 * 1024};

	for (size_t i = 0; argc > 1 && i < sizeof deaths / sizeof deaths[0]; i++) {
		const struct death *d = &deaths[i];
		if (strcmp(d->name, argv[1]) != 0)
			continue;
		for (int core = 1; argc > 2 && core < runtime_cores(); core++) {
			hogs.core = 1 + core;
			go_with(&hogs, hog, NULL);
		}
		if (d->in_main)
			outer(d);
		go_with(&opt, victim, (void *)(uintptr_t)d);
		event_wait(&event);
	}
	printf("no such death\n");
	return 1;
}
