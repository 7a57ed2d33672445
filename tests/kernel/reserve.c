/*
 * Coroutines whose first page ends somewhere inside of a call that blocks: the kernel then needs pages
 * while preemption is off. However many they are, one after the other, there is no lack of them.
 */
#include <fcntl.h>
#include <poll.h>

#include "sockets.h"

enum { SMALLEST = 2512, LARGEST = 3536, STEP = 16, EACH = 20 };
enum { SIZES = (LARGEST - SMALLEST) / STEP + 1, ALL = SIZES * EACH };

/* Stacks are of eight kinds by their limits. No coroutine takes more pages than ROUND_PAGES. */
enum { LEAST_LIMIT = 64 * 1024, LIMITS = 8, ROUND_PAGES = 3, PAGE_BYTES = 4096 };

#define WAIT_NS (50 * NSEC_PER_MSEC)
#define FAR     (time_now() + 3600 * NSEC_PER_SEC)

static struct chan *to, *from;
static struct mutex lock, held;
static struct rwmutex rwlock;
static struct cond cond;
static struct sema sema;
static struct waitgroup gate, wg;
static struct future future;
static struct event events[ALL];
static struct group group;
static struct gen *gens[ALL];
static struct pool *pool;
static struct once once;
static int server, client, full[2];
static _Atomic int count;
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

static void by_yield(void)
{
	go_yield();
}

static void by_send_until(void)
{
	char c = 0;

	chan_send_until(to, &c, FAR);
}

static void by_recv_until(void)
{
	char c;

	chan_recv_until(from, &c, FAR);
}

static void by_select_until(void)
{
	char c;
	struct select_case k[2] = {{from, SELECT_RECV, &c, 0}, {to, SELECT_SEND, &c, 0}};

	chan_select_until(k, 2, FAR);
}

static void by_rwmutex_lock(void)
{
	rwmutex_lock(&rwlock);
	rwmutex_unlock(&rwlock);
}

static void by_cond_until(void)
{
	mutex_lock(&lock);
	while (!go_on)
		cond_wait_until(&cond, &lock, FAR);
	mutex_unlock(&lock);
}

static void by_sema_until(void)
{
	sema_acquire_until(&sema, FAR);
}

static void by_waitgroup_until(void)
{
	waitgroup_wait_until(&gate, FAR);
}

static void by_future_until(void)
{
	future_await_until(&future, NULL, FAR);
}

static void by_sleep_until(void)
{
	time_sleep_until(time_now() + WAIT_NS);
}

static void by_event(void)
{
	event_wait(&events[count++]);
}

static void by_event_until(void)
{
	event_wait_until(&events[count++], FAR);
}

static void by_gen(void)
{
	gen_next(gens[count++], NULL);
}

static void by_group(void)
{
	group_wait(&group);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void by_pool(void)
{
	pool_submit(pool, nothing, NULL);
}

static void by_once(void)
{
	once_do(&once, nothing, NULL);
}

static void by_accept(void)
{
	accept(server, NULL, NULL);
}

static void by_socket_recv(void)
{
	char c;

	recv(client, &c, 1, 0);
}

static void by_socket_send(void)
{
	char c = 0;

	send(full[0], &c, 1, 0);
}

static void by_poll(void)
{
	struct pollfd entry = {client, POLLIN, 0};

	poll(&entry, 1, WAIT_NS / NSEC_PER_MSEC);
}

static void until_open(void *arg)
{
	(void)arg;
	waitgroup_wait(&gate);
}

static int member(void *arg)
{
	until_open(arg);
	return 0;
}

static void body(struct gen *g, void *arg)
{
	(void)g;
	until_open(arg);
}

static void first(void *arg)
{
	once_do(arg, until_open, NULL);
}

static void *when_open(void *arg)
{
	waitgroup_wait(&gate);
	return arg;
}

/* Sockets on which nothing comes, nor goes: a call ends after a while. */
static void open_sockets(void)
{
	char some[4096] = {0};
	union address a;

	server = listener(AF_INET);
	client = bound(AF_INET, SOCK_DGRAM);
	connection(AF_INET, full);
	expect_eq(connect(client, &a.any, loopback(&a, AF_INET, port_of(client))), 0);
	for (int tries = 0; tries < 3; tries++) /* what the other end has taken makes room */
		while (send(full[0], some, sizeof some, MSG_DONTWAIT) > 0)
			tries = 0;
	set_limit(server, SO_RCVTIMEO, WAIT_NS / NSEC_PER_MSEC);
	set_limit(client, SO_RCVTIMEO, WAIT_NS / NSEC_PER_MSEC);
	set_limit(full[0], SO_SNDTIMEO, WAIT_NS / NSEC_PER_MSEC);
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

static void start_all(void (*block)(void), size_t limit, size_t below)
{
	static struct work work[SIZES];

	for (size_t n = 0; n < SIZES; n++) {
		work[n] = (struct work){block, below + SMALLEST + n * STEP};
		for (int i = 0; i < EACH; i++) {
			waitgroup_add(&wg, 1);
			expect_eq(go_with(&(struct go_options){.stack = limit}, worker, &work[n]),
				  0);
		}
		go_yield();
	}
}

/* What is waited for is not there yet. */
static void shut(void (*block)(void))
{
	to = chan_of(char, 0);
	from = chan_of(char, 0);
	go_on = false;
	count = 0;
	once = (struct once){0};
	waitgroup_add(&gate, 1);
	mutex_lock(&held);
	rwmutex_lock(&rwlock);
	expect_eq(future_start(&future, when_open, NULL), 0);
	group_init(&group, TIME_NEVER);
	expect_eq(group_go(&group, member, NULL), 0);
	expect_eq(waitgroup_go(&wg, first, &once), 0);
	until_parked(3);
	pool = pool_make(1, 1);
	expect_eq(pool_submit(pool, until_open, NULL), 0);
	expect_eq(pool_submit(pool, nothing, NULL), 0);
	for (int i = 0; block == by_gen && i < ALL; i++)
		gens[i] = gen_make(body, NULL, 0);
}

static void open_all(void (*block)(void))
{
	mutex_unlock(&held);
	rwmutex_unlock(&rwlock);
	mutex_lock(&lock);
	go_on = true;
	cond_broadcast(&cond);
	mutex_unlock(&lock);
	for (int i = 0; (block == by_sema || block == by_sema_until) && i < ALL; i++)
		sema_release(&sema);
	for (int i = 0; i < ALL; i++)
		event_post(&events[i]);
	waitgroup_done(&gate);
	chan_close(from);
	chan_close(to);
}

/* Each time with stacks, or at least pages of them, that nobody has used. */
static void try_all(const char *name, void (*block)(void))
{
	static unsigned turn;
	size_t limit = (size_t)LEAST_LIMIT << turn % LIMITS;
	size_t below = (size_t)turn++ / LIMITS * ROUND_PAGES * PAGE_BYTES;

	shut(block);
	start_all(block, limit, below);
	open_all(block);
	waitgroup_wait(&wg);
	expect_eq(future_await(&future, &(void *){NULL}), 0);
	expect_eq(group_wait(&group), 0);
	pool_free(pool);
	for (int i = 0; block == by_gen && i < ALL; i++)
		gen_free(gens[i]);
	memset(events, 0, sizeof events);
	chan_free(from);
	chan_free(to);
	until_alone();
	verdict("%s: no page is missing while preemption is off", name);
}

static const struct {
	const char *name;
	void (*block)(void);
} calls[] = {
	{"chan_recv", by_recv},
	{"chan_send", by_send},
	{"chan_select", by_select},
	{"mutex_lock", by_mutex},
	{"rwmutex_rlock", by_rwmutex},
	{"cond_wait", by_cond},
	{"sema_acquire", by_sema},
	{"waitgroup_wait", by_waitgroup},
	{"future_await", by_future},
	{"time_sleep", by_sleep},
	{"go_yield", by_yield},
	{"chan_recv_until", by_recv_until},
	{"chan_send_until", by_send_until},
	{"chan_select_until", by_select_until},
	{"rwmutex_lock", by_rwmutex_lock},
	{"cond_wait_until", by_cond_until},
	{"sema_acquire_until", by_sema_until},
	{"waitgroup_wait_until", by_waitgroup_until},
	{"future_await_until", by_future_until},
	{"time_sleep_until", by_sleep_until},
	{"event_wait", by_event},
	{"event_wait_until", by_event_until},
	{"gen_next", by_gen},
	{"group_wait", by_group},
	{"pool_submit", by_pool},
	{"once_do", by_once},
	{"accept", by_accept},
	{"recv", by_socket_recv},
	{"send", by_socket_send},
	{"poll", by_poll},
};

enum { CALLS = sizeof calls / sizeof *calls };

int main(int argc, char **argv)
{
	test_begin(argc, argv, CALLS);
	open_sockets();
	for (int i = 0; i < CALLS; i++)
		try_all(calls[i].name, calls[i].block);
	return test_end();
}
