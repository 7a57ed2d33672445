/*
 * What is handed over without a lock: by an event that was posted before anybody waits, by what once_do has
 * done, by a cancellation, and to the handler of a signal. The order is one of the kernel's, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

static struct event posted;
static struct once once;
static struct group parent;
static int data;
static _Atomic bool handled;

static void post(void *arg)
{
	(void)arg;
	event_post(&posted);
}

static void make(void *arg)
{
	(void)arg;
	data++;
}

static void use(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		once_do(&once, make, NULL);
		if (data != 1)
			exit(1);
		go_yield();
	}
}

static int member(void *arg)
{
	struct group child;

	(void)arg;
	/* It sees that it is cancelled without having waited. */
	while (time_sleep(0) != -ECANCELED)
		go_yield();
	group_init(&child, TIME_NEVER);
	group_cancel(&child, -EIO);
	(void)group_wait(&child);
	return 0;
}

static void canceller(void *arg)
{
	(void)arg;
	group_cancel(&parent, -EIO);
}

static void handler(int sig)
{
	(void)sig;
	atomic_store_explicit(&handled, true, memory_order_relaxed);
}

static void last_handler(int sig)
{
	(void)sig;
	go_exit();
}

static _Atomic bool given;

static void giver(void *arg)
{
	(void)arg;
	signal(SIGURG, handler);
	signal(SIGABRT, last_handler);
	atomic_store_explicit(&given, true, memory_order_relaxed);
}

static void raiser(void *arg)
{
	(void)arg;
	do {
		raise(SIGURG);
		go_yield();
	} while (!atomic_load_explicit(&handled, memory_order_relaxed));
	while (!atomic_load_explicit(&given, memory_order_relaxed))
		go_yield();
	abort();
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, post, NULL);
	waitgroup_go(&all, use, NULL);
	waitgroup_go(&all, use, NULL);
	group_init(&parent, TIME_NEVER);
	group_go(&parent, member, NULL);
	waitgroup_go(&all, canceller, NULL);
	waitgroup_go(&all, giver, NULL);
	waitgroup_go(&all, raiser, NULL);
	go_yield();
	if (event_wait(&posted) != 0)
		return 1;
	waitgroup_wait(&all);
	return group_wait(&parent) != -EIO;
}
