/*
 * Everything at once: many coroutines, each doing one thing after another by chance, with short
 * deadlines, cancellations, moves between cores, and a time slice and a number of procs that change
 * all the time. At the end the books must balance: what was sent has been received, what was counted
 * under a lock is all there, what was submitted has run, nobody is left.
 */
#include "test.h"

enum { CHANNELS = 8, WORKERS = 48, STEPS = 100 };

#define URGENT (UINT32_C(1) << 31) /* in what a step gets: its worker is */

static bool is_urgent(uintptr_t worker)
{
	return worker % 9 == 0;
}

static struct chan *channel[CHANNELS];
static _Atomic long sent, received;

static struct mutex mutex;
static struct rwmutex rwmutex;
static long under_mutex, under_rwmutex;
static _Atomic long mutex_turns, rwmutex_turns;

static struct sema sema;
static struct pool *pool;
static _Atomic long submitted, done;
static struct waitgroup all;

static void count_done(void *arg)
{
	if ((uintptr_t)arg % 3 == 0)
		go_yield();
	done++;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void book_sent(int result, int value)
{
	if (result == 0)
		sent += value;
}

static void book_received(int result, int value)
{
	if (result == 0)
		received += value;
}

/* ---- The things to do; r: a random number ---- */

static void do_send(uint32_t r)
{
	int value = (int)(r >> 24);
	struct chan *c = channel[r % CHANNELS];

	book_sent(r & 256 ? chan_try_send(c, &value)
			  : chan_send_until(c, &value, time_now() + r % 100000),
		  value);
}

static void do_receive(uint32_t r)
{
	int value = 0, result;
	struct chan *c = channel[r % CHANNELS];

	result = r & 256 ? chan_try_recv(c, &value)
			 : chan_recv_until(c, &value, time_now() + r % 100000);
	book_received(result, value);
}

static void do_select(uint32_t r)
{
	int out = 5, in[3] = {0};
	struct select_case cases[] = {
		{channel[r % CHANNELS], SELECT_SEND, &out, 0},
		{channel[(r + 1) % CHANNELS], SELECT_RECV, &in[0], 0},
		{channel[(r + 3) % CHANNELS], SELECT_RECV, &in[1], 0},
		{channel[r % CHANNELS], SELECT_RECV, &in[2], 0},
	};
	int i = r & 256 ? chan_try_select(cases, 4)
			: chan_select_until(cases, 4, time_now() + r % 50000);

	if (i == 0)
		sent += out;
	else if (i > 0)
		received += in[i - 1];
}

static void do_mutex(uint32_t r)
{
	mutex_lock(&mutex);
	under_mutex++;
	if (r & 1)
		go_yield();
	mutex_unlock(&mutex);
	mutex_turns++;
}

static void do_rwmutex(uint32_t r)
{
	if (r & 1) {
		rwmutex_lock(&rwmutex);
		under_rwmutex++;
		rwmutex_unlock(&rwmutex);
		rwmutex_turns++;
		return;
	}
	rwmutex_rlock(&rwmutex);
	long before = under_rwmutex;
	go_yield();
	expect(under_rwmutex == before);
	rwmutex_runlock(&rwmutex);
}

static void do_sema(uint32_t r)
{
	if (sema_acquire_until(&sema, time_now() + r % 50000) == 0) {
		go_yield();
		sema_release(&sema);
	}
}

static int member(void *arg)
{
	uint32_t r = (uint32_t)(uintptr_t)arg;
	int value = 3, result;

	for (int i = 0; i < 3; i++) {
		switch (r % 4) {
		case 0:
			result = time_sleep(20 * NSEC_PER_USEC);
			break;
		case 1:
			result = chan_recv_until(channel[r % CHANNELS], &value, time_now() + 50000);
			book_received(result, value);
			break;
		case 2:
			result = chan_send_until(channel[r % CHANNELS], &value, time_now() + 50000);
			book_sent(result, value);
			break;
		default:
			result = sema_acquire_until(&sema, time_now() + 30000);
			if (result == 0)
				sema_release(&sema);
		}
		if (result == -ECANCELED)
			return 0;
	}
	return r % 11 == 0 ? -EIO : 0;
}

static void do_group(uint32_t r)
{
	struct group g;

	group_init(&g, r & 64 ? time_now() + r % 200000 : TIME_NEVER);
	for (uint32_t i = 0; i < 4; i++)
		group_go(&g, member, (void *)(uintptr_t)(r % 100 + i));
	if (r & 128)
		group_cancel(&g, -EINTR);
	group_wait(&g);
}

/*
 * Urgent workers have periodic timers. Where a coroutine takes some time slices to come to its end, as it may in the
 * simulation, such a timer starts another in each, and would fill memory if who stops it waited behind all of them.
 */
static void do_timer(uint32_t r)
{
	struct timer t = {0};

	timer_start(&t, time_now() + r % 100000, r & URGENT ? 200000 : 0, nothing, NULL);
	time_sleep(r % 300000);
	timer_stop(&t);
}

static void do_after(uint32_t r)
{
	struct chan *c = time_after(r % 50000);
	uint64_t time;

	if (r & 256)
		chan_recv(c, &time);
	chan_free(c);
}

static void numbers(struct gen *g, void *arg)
{
	for (uintptr_t i = 0; i < (uintptr_t)arg; i++) {
		if (i % 5 == 1)
			go_yield();
		if (i % 7 == 3)
			time_sleep(500);
		if (gen_yield(g, &i))
			return;
	}
}

static void do_gen(uint32_t r)
{
	uintptr_t n = r % 20, wanted = (r >> 8) % 20, got = 0, value;
	struct gen *g = gen_make(numbers, (void *)n, sizeof(value));

	for (; got < wanted && gen_next(g, &value) == 0; got++)
		expect(value == got);
	expect(got == (n < wanted ? n : wanted));
	gen_free(g);
}

static void *same(void *arg)
{
	go_yield();
	return arg;
}

static void do_future(uint32_t r)
{
	struct future f;
	void *result = NULL;

	int error = future_start(&f, same, (void *)(uintptr_t)r);

	expect(error == 0);
	if (error)
		return;
	expect(future_await(&f, &result) == 0);
	expect(result == (void *)(uintptr_t)r);
}

static void do_pool(uint32_t r)
{
	expect(pool_submit(pool, count_done, (void *)(uintptr_t)r) == 0);
	submitted++;
}

static void do_malloc(uint32_t r)
{
	char *p = malloc(r % 5000 + 1);

	memset(p, (int)r, r % 5000 + 1);
	go_yield();
	expect(p[r % 5000] == (char)r);
	free(p);
}

static int depth(int n)
{
	volatile char frame[500];

	frame[0] = 1;
	return n == 0 ? 0 : depth(n - 1) + frame[0];
}

static void do_deep(uint32_t r)
{
	expect(depth((int)(r % 200)) == (int)(r % 200));
}

static void do_pin(uint32_t r)
{
	go_pin((int)(r % ((uint32_t)runtime_cores() + 1)) - 1);
}

static void do_rules(uint32_t r)
{
	static const uint64_t quanta[] = {20000, 100000, 1000000, 10000000};

	if (r % 16 == 0)
		runtime_procs(1 + (int)((r >> 8) % (uint32_t)runtime_cores()));
	if (r % 16 == 1)
		runtime_set_quantum(quanta[(r >> 8) % 4]);
}

static void worker(void *arg)
{
	static void (*const things[])(uint32_t r) = {
		do_send, do_receive, do_send,   do_receive, do_select, do_mutex,
		do_sema, do_rwmutex, do_group,  do_timer,   do_after,  do_gen,
		do_pool, do_future,  do_malloc, do_deep,    do_pin,    do_rules,
	};
	uint32_t random = (uint32_t)(uintptr_t)arg * 2654435761u + 1;
	uint32_t urgent = is_urgent((uintptr_t)arg) ? URGENT : 0;

	for (int i = 0; i < amount(STEPS); i++) {
		uint32_t r = test_random(&random);

		things[r % (sizeof(things) / sizeof(things[0]))]((test_random(&random) & ~URGENT) |
								 urgent);
	}
	waitgroup_done(&all);
}

int main(int argc, char **argv)
{
	int value;

	test_begin(argc, argv, 6);
	for (int i = 0; i < CHANNELS; i++)
		channel[i] = chan_of(int, (size_t)(i % 3 == 0 ? 0 : i));
	sema_init(&sema, 3);
	pool = pool_make(3, 5);
	waitgroup_add(&all, WORKERS);
	for (uintptr_t i = 0; i < WORKERS; i++)
		expect_eq(go_with(&(struct go_options){.priority = is_urgent(i)}, worker,
				  (void *)i),
			  0);
	waitgroup_wait(&all);
	pool_free(pool);
	verdict("every step does what it should");
	for (int i = 0; i < CHANNELS; i++) {
		while (chan_try_recv(channel[i], &value) == 0)
			received += value;
		chan_free(channel[i]);
	}
	check(sent == received, "what was sent has been received");
	check(under_mutex == mutex_turns, "what a mutex guards is all there");
	check(under_rwmutex == rwmutex_turns, "what a rwmutex guards is all there");
	check(submitted == done, "what was submitted to the pool has run");
	until_alone();
	verdict("nobody is left");
	return test_end();
}
