/* Entry functions that make the kernel's calls: every one has a bound, cases.py sees to it. They are
 * only looked at, never run. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

static struct chan *chan;
static struct mutex mutex;
static struct rwmutex rwmutex;
static struct cond cond;
static struct sema sema;
static struct event event;
static struct once once;
static struct waitgroup wg;
static struct group group;
static struct future future;
static struct pool *pool;
static struct gen *gen;
static struct timer timer;
static struct ticker ticker;
static struct select_case cases[2];
static int value;

static void entry(void *arg)
{
	(void)arg;
}

static int member(void *arg)
{
	return arg != NULL;
}

static void *work(void *arg)
{
	return arg;
}

static void body(struct gen *g, void *arg)
{
	(void)arg;
	gen_yield(g, &value);
}

#define EACH(CALL) \
	CALL(spawns, go(entry, arg); go_copy(entry, "", 1)) \
	CALL(spawns_with, go_with(&(struct go_options){.name = "x"}, entry, arg)) \
	CALL(yields, go_yield(); go_pin(0); go_shield(true)) \
	CALL(exits, go_exit()) \
	CALL(defers, go_defer(entry, arg)) \
	CALL(asks, value = (int)go_id() + go_name()[0] + runtime_core()) \
	CALL(sends, chan_send(chan, &value); chan_send_until(chan, &value, 1)) \
	CALL(receives, chan_recv(chan, &value); chan_recv_until(chan, &value, 1)) \
	CALL(tries, chan_try_send(chan, &value); chan_try_recv(chan, &value)) \
	CALL(makes, chan = chan_of(int, 3); chan_close(chan); chan_free(chan)) \
	CALL(chooses, chan_select(cases, 2); chan_try_select(cases, 2)) \
	CALL(chooses_until, chan_select_until(cases, 2, 1)) \
	CALL(locks, mutex_lock(&mutex); mutex_unlock(&mutex)) \
	CALL(tries_lock, mutex_try_lock(&mutex)) \
	CALL(writes, rwmutex_lock(&rwmutex); rwmutex_unlock(&rwmutex)) \
	CALL(reads, rwmutex_rlock(&rwmutex); rwmutex_runlock(&rwmutex)) \
	CALL(waits, cond_wait(&cond, &mutex); cond_wait_until(&cond, &mutex, 1)) \
	CALL(signals, cond_signal(&cond); cond_broadcast(&cond)) \
	CALL(acquires, sema_acquire(&sema); sema_release(&sema)) \
	CALL(posts, event_wait(&event); event_post(&event)) \
	CALL(does_once, once_do(&once, entry, arg)) \
	CALL(joins, waitgroup_go(&wg, entry, arg); waitgroup_wait(&wg)) \
	CALL(counts, waitgroup_add(&wg, 1); waitgroup_done(&wg)) \
	CALL(groups, group_init(&group, 1); group_go(&group, member, arg); group_wait(&group)) \
	CALL(cancels, group_cancel(&group, -1)) \
	CALL(awaits, future_start(&future, work, arg); future_await(&future, NULL)) \
	CALL(pools, pool = pool_make(2, 2); pool_resize(pool, 3); pool_free(pool)) \
	CALL(submits, pool_submit(pool, entry, arg); pool_try_submit(pool, entry, arg)) \
	CALL(generates, gen = gen_make(body, arg, 4); gen_next(gen, &value); gen_free(gen)) \
	CALL(sleeps, time_sleep(1); time_sleep_until(1)) \
	CALL(times, timer_start(&timer, 1, 1, entry, arg); timer_stop(&timer)) \
	CALL(ticks, ticker_start(&ticker, 1); ticker_stop(&ticker)) \
	CALL(comes_later, chan = time_after(1)) \
	CALL(allocates, arg = realloc(malloc(9), 99); free(arg)) \
	CALL(copies, memcpy(cases, arg, sizeof(cases)); memset(arg, 0, (size_t)value)) \
	CALL(asserts, assert(arg); errno = 0) \
	CALL(panics, runtime_panic("%d", value))

#define DEFINE(name, ...) \
	static void name(void *arg) \
	{ \
		(void)arg; \
		__VA_ARGS__; \
	}
#define NAME(name, ...) name,

EACH(DEFINE)

static go_fn *const entries[] = {EACH(NAME)};

int main(int argc, char **argv)
{
	return argc > 1 ? go(entries[argc], argv) : 0;
}
