/* What a program may do and a simulated machine cannot, or not easily: ARGS says which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vole.h>

int pthread_create(void *thread, const void *attributes, void *(*fn)(void *), void *arg);

enum { GETPID = 39, LINE = 9 };

static volatile char sink;
static int shared, guarded;

static int __attribute__((noinline)) deep(int n)
{
	volatile char block[256];

	block[0] = (char)n;
	return n < 1 << 20 ? deep(n + 1) + block[0] : 0;
}

static void handler(void *arg)
{
	(void)arg;
	sink = (char)deep(0);
}

static void increment(void *arg)
{
	(void)arg;
	shared++;
}

/* The read of what is guarded is made only where it is guarded no more. */
static void guarded_read(void *until)
{
	volatile int sum = 0;

	for (int i = 0; i < 8; i++)
		if (i > *(int *)until)
			sum += guarded;
}

static int race(int *arg)
{
	struct waitgroup all = {0};

	for (int i = 0; i < 2; i++)
		waitgroup_go(&all, arg ? guarded_read : increment, arg);
	guarded++;
	waitgroup_wait(&all);
	return 0;
}

static void answer(void *c)
{
	int value = 42;

	chan_send((struct chan *)c, &value);
}

static void __attribute__((noinline)) ask(void)
{
	struct chan *c = chan_of(int, 0);

#pragma GCC unroll 3 /* three calls of go at one line */
	for (int i = 0; i < 3; i++)
		go(answer, c);
	time_sleep(NSEC_PER_MSEC);
}

/* So large that pages are taken and given back. */
static void allocate(void *arg)
{
	(void)arg;
	for (;;) {
		void *volatile block = malloc(20000);

		free(block);
	}
}

/* Has not called the C library yet, which is to format the message. */
static void give_up(void *arg)
{
	(void)arg;
	go_yield();
	runtime_panic("gave up after %d", 1);
}

static int panic(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, allocate, NULL);
	waitgroup_go(&all, give_up, NULL);
	waitgroup_wait(&all);
	return 0;
}

/* A copy takes time: 10 ns for each line of the cache, of both blocks. */
static int copy(void)
{
	enum { SIZE = 1 << 16, LEAST = 2 * SIZE / 64 * 10 };
	static char from[SIZE], to[SIZE];
	uint64_t began = time_now();

	memcpy(to, from, SIZE);
	return time_now() - began < LEAST;
}

static struct waitgroup gate;

/* Its stack grows: what it calls is not known. */
static void (*volatile wait_for)(struct waitgroup *) = waitgroup_wait;

static void waits(void *wg)
{
	wait_for(&gate);
	waitgroup_done(wg);
}

/* More pages of stacks than the machine keeps account of before a run. */
static int crowd(void)
{
	enum { MANY = 5000 };
	struct waitgroup wg = {0};
	int failed = 0;

	waitgroup_add(&gate, 1);
	for (int i = 0; i < MANY; i++) {
		waitgroup_add(&wg, 1);
		if (go(waits, &wg)) {
			waitgroup_done(&wg);
			failed++;
		}
	}
	waitgroup_done(&gate);
	waitgroup_wait(&wg);
	return failed > 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char byte;
	int lines = 0, never = 8;
	long result = GETPID;

	if (!strcmp(what, "thread"))
		return pthread_create(NULL, NULL, NULL, NULL);
	if (!strcmp(what, "call"))
		__asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
	if (!strcmp(what, "handler") && irq_attach(LINE, handler, NULL) == 0)
		for (;;)
			go_yield();
	while (!strcmp(what, "spin"))
		__asm__ volatile("");
	if (!strcmp(what, "guarded"))
		return race(&never);
	if (!strcmp(what, "panic"))
		return panic();
	if (!strcmp(what, "copy"))
		return copy();
	if (!strcmp(what, "crowd"))
		return crowd();
	if (!strcmp(what, "left"))
		ask();
	if (!strcmp(what, "left") && argc > 2)
		return argv[2][0] - '0';
	while (!strcmp(what, "input") && read(0, &byte, 1) == 1)
		lines += byte == '\n';
	return lines == 2 ? race(NULL) : 0;
}
