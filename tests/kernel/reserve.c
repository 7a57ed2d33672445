/*
 * Coroutines whose first page ends somewhere inside of a call that blocks: the kernel then needs pages
 * while preemption is off. However many they are, one after the other, there is no lack of them.
 */
#include "test.h"

enum { SMALLEST = 2500, LARGEST = 3940, STEP = 40, EACH = 20 };

static struct chan *to, *from;
static struct mutex lock, held;
static struct rwmutex rwlock;
static struct cond cond;
static struct sema sema;
static struct waitgroup gate, wg;
static struct future future;
static bool go_on;

/* What a coroutine does, and below how large a frame. */
struct work {
	void (*block)(void);
	size_t size;
};

static void by_recv(void)
{
	char c;

	chan_recv(from, &c);
}

static void by_send(void)
{
	char c = 0;

	chan_send(to, &c);
}

static void by_select(void)
{
	char c;
	struct select_case k[2] = {{from, SELECT_RECV, &c, 0}, {to, SELECT_SEND, &c, 0}};

	chan_select(k, 2);
}

static void by_mutex(void)
{
	mutex_lock(&held);
	mutex_unlock(&held);
}

static void by_rwmutex(void)
{
	rwmutex_rlock(&rwlock);
	rwmutex_runlock(&rwlock);
}

static void by_cond(void)
{
	mutex_lock(&lock);
	while (!go_on)
		cond_wait(&cond, &lock);
	mutex_unlock(&lock);
}

static void by_sema(void)
{
	sema_acquire(&sema);
}

static void by_waitgroup(void)
{
	waitgroup_wait(&gate);
}

static void by_future(void)
{
	void *result;

	future_await(&future, &result);
}

static void by_sleep(void)
{
	time_sleep(50 * NSEC_PER_MSEC);
}

static void *when_open(void *arg)
{
	waitgroup_wait(&gate);
	return arg;
}

/* A variable size, so that the stack is one that grows. */
static void worker(void *arg)
{
	struct work work = *(struct work *)arg;
	volatile char frame[work.size];

	frame[0] = frame[work.size - 1] = 1;
	work.block();
	frame[work.size - 1] = frame[0];
	waitgroup_done(&wg);
}

/* limit: each has stacks of its own, that have been used by nobody. */
static void try_all(const char *name, void (*block)(void), size_t limit)
{
	static struct work work[(LARGEST - SMALLEST) / STEP + 1];

	to = chan_of(char, 0);
	from = chan_of(char, 0);
	go_on = false;
	waitgroup_add(&gate, 1);
	mutex_lock(&held);
	rwmutex_lock(&rwlock);
	expect_eq(future_start(&future, when_open, NULL), 0);
	for (size_t n = 0; n < sizeof work / sizeof *work; n++) {
		work[n] = (struct work){block, SMALLEST + n * STEP};
		for (int i = 0; i < EACH; i++) {
			waitgroup_add(&wg, 1);
			expect_eq(go_with(&(struct go_options){.stack = limit}, worker, &work[n]),
				  0);
		}
		go_yield();
	}
	mutex_unlock(&held);
	rwmutex_unlock(&rwlock);
	mutex_lock(&lock);
	go_on = true;
	cond_broadcast(&cond);
	mutex_unlock(&lock);
	for (size_t i = 0; block == by_sema && i < EACH * sizeof work / sizeof *work; i++)
		sema_release(&sema);
	waitgroup_done(&gate);
	chan_close(from);
	chan_close(to);
	waitgroup_wait(&wg);
	expect_eq(future_await(&future, &(void *){NULL}), 0);
	chan_free(from);
	chan_free(to);
	verdict("%s: no page is missing while preemption is off", name);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 10);
	try_all("chan_recv", by_recv, 16 * 1024);
	try_all("chan_send", by_send, 32 * 1024);
	try_all("chan_select", by_select, 64 * 1024);
	try_all("mutex_lock", by_mutex, 128 * 1024);
	try_all("rwmutex_rlock", by_rwmutex, 256 * 1024);
	try_all("cond_wait", by_cond, 512 * 1024);
	try_all("sema_acquire", by_sema, 1024 * 1024);
	try_all("waitgroup_wait", by_waitgroup, 2048 * 1024);
	try_all("future_await", by_future, 4096 * 1024);
	try_all("time_sleep", by_sleep, 8192 * 1024);
	return test_end();
}
