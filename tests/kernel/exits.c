/*
 * How a program ends: the first argument says which way; tests/qemu looks at the status and at
 * what was printed.
 */
#include "test.h"

static void exit_with(void *arg)
{
	time_sleep(2 * NSEC_PER_MSEC);
	exit((int)(intptr_t)arg);
}

static void live_on(void *arg)
{
	(void)arg;
	for (;;)
		time_sleep(NSEC_PER_MSEC);
}

static void hog(void *arg)
{
	(void)arg;
	for (volatile unsigned i = 0;; i++)
		;
}

static void end_later(void *arg)
{
	time_sleep(20 * NSEC_PER_MSEC);
	printf("%s ends", (const char *)arg); /* not flushed by hand */
}

static struct waitgroup printed;

static void print_unfinished(void *arg)
{
	printf("%s", (const char *)arg);
}

static void say(void *arg)
{
	printf("%s\n", (const char *)arg);
}

static void at_exit(void)
{
	printf("atexit\n");
}

static void print_on(void *arg)
{
	(void)arg;
	for (;;) {
		printf("%s", "");
		fprintf(stderr, "%s", "");
		go_yield();
	}
}

static void print_after_close(void)
{
	errno = 0;
	if (printf("lost") >= 0 || errno != EBADF || fclose(stdout) == 0)
		_Exit(1);
}

/* In the order of their numbers, and at the end in the opposite one; those without a number last, and
 * first. */
static char begun[8];
static bool say_ends;

__attribute__((constructor)) static void begin_last(void)
{
	strcat(begun, "3");
}

__attribute__((constructor(300))) static void begin_second(void)
{
	strcat(begun, "2");
}

__attribute__((constructor(200))) static void begin_first(void)
{
	strcat(begun, "1");
}

__attribute__((destructor(200))) static void end_last(void)
{
	if (say_ends)
		printf("the last end\n");
}

__attribute__((destructor)) static void end_first(void)
{
	if (say_ends)
		printf("the first end\n");
}

static void lock_and_end(void *arg)
{
	flockfile(arg);
}

/* Where the one that has it was in memory, others are now. */
static void may_not_lock(void *arg)
{
	if (ftrylockfile(arg) == 0)
		_Exit(1);
	waitgroup_done(&printed);
}

static void race(void *arg)
{
	while (time_now() < *(uint64_t *)arg)
		;
	exit(5);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "return";
	int status = argc > 2 ? atoi(argv[2]) : 0;
	static uint64_t when;

	if (strcmp(how, "return") == 0)
		return status;
	if (strcmp(how, "exit") == 0)
		exit(status);
	if (strcmp(how, "other") == 0) { /* another coroutine calls exit, others live */
		for (int i = 0; i < 5; i++)
			go(live_on, NULL);
		go(exit_with, (void *)(intptr_t)status);
		time_sleep(TIME_NEVER);
	}
	if (strcmp(how, "hogs") == 0) { /* main returns while every core is busy */
		for (int i = 0; i < runtime_cores() + 1; i++)
			go(hog, NULL);
		time_sleep(5 * NSEC_PER_MSEC);
		return status;
	}
	if (strcmp(how, "close-out") == 0) { /* others go on printing, and so do exit handlers */
		atexit(print_after_close);
		for (int i = 0; i < 4; i++)
			go(print_on, NULL);
		time_sleep(2 * NSEC_PER_MSEC);
		fclose(stdout);
		for (int i = 0; i < 100; i++)
			fprintf(stderr, "%s", i < 99 ? "" : "stderr lives\n");
		fclose(stderr);
		return status;
	}
	if (strcmp(how, "last") == 0) { /* main leaves, the last one that ends ends all */
		go(end_later, "the last");
		go_exit();
	}
	if (strcmp(how, "flush") == 0) {
		printf("no newline at the end");
		return status;
	}
	if (strcmp(how, "flush-other") == 0) { /* main itself prints nothing */
		waitgroup_go(&printed, print_unfinished, "printed by another");
		waitgroup_wait(&printed);
		return status;
	}
	if (strcmp(how, "defer") == 0) {
		atexit(at_exit);
		go_defer(say, "first deferred");
		go_defer(say, "second deferred");
		return status;
	}
	if (strcmp(how, "constructors") == 0) {
		say_ends = true;
		atexit(at_exit);
		printf("begun %s\n", begun);
		return status;
	}
	if (strcmp(how, "locked") == 0) { /* by one that has ended */
		struct go_options grows = {.stack = 64 * 1024};

		go_with(&grows, lock_and_end, stdin);
		until_alone();
		waitgroup_add(&printed, 20);
		for (int i = 0; i < 20; i++)
			go_with(&grows, may_not_lock, stdin);
		waitgroup_wait(&printed);
		_Exit(status);
	}
	if (strcmp(how, "race") == 0) { /* all at once: one of them wins */
		when = time_now() + 10 * NSEC_PER_MSEC;
		for (int i = 0; i < runtime_cores(); i++)
			go_with(&(struct go_options){.core = 1 + i}, race, &when);
		time_sleep(TIME_NEVER);
	}
	if (strcmp(how, "abort") == 0)
		abort();
	printf("unknown: %s\n", how);
	return 99;
}
