/*
 * The poller: epoll is this port's network card, and an edge that it tells of is an interrupt.
 *
 * An idle core sleeps in epoll_pwait, which ends by a signal or by an edge; what came is served as
 * an interrupt's deferred work, before the next coroutine. While no core is idle, a thread that is
 * not a core looks now and then whether something has come that nobody has fetched, and interrupts
 * a core. So an idle machine is silent, a busy one is not slowed down, and nothing waits for ever.
 *
 * No edge is lost: who waits has read the endpoint's count of edges before it tried in vain, and
 * does not begin to wait when another has come since.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "arch/host/net.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/sched.h"

enum { BATCH = 64, LOOK_NS = 500 * 1000 };

/* What a core has fetched; its own. */
static struct poller {
	struct irq_work work;
	int count;
	struct epoll_event events[BATCH];
} pollers[MAX_CORES];

static struct endpoint endpoints[ENDPOINTS];
static struct settings settings_of_all[ENDPOINTS];
static struct spinlock free_lock;
/* guarded by free_lock */
static struct settings *free_settings;
static unsigned settings_used;
static int epoll;
static int nothing;              /* a descriptor that is good for no call */
static _Atomic uint32_t fetches; /* how often a core has asked epoll */
static _Atomic bool asked;       /* a core is to fetch */
static _Atomic bool watched;     /* the thread has been started */

__attribute__((noinline)) long net_result(long n)
{
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

/* ---- Fetching ---- */

/* timeout in ms; -1: until an edge or a signal that mask lets through. */
static void fetch(struct poller *p, int timeout, const sigset_t *mask)
{
	long n = host_call(SYS_epoll_pwait, epoll, (long)p->events, BATCH, timeout, (long)mask,
			   SIGSET_BYTES);

	p->count = n > 0 ? (int)n : 0;
	atomic_fetch_add_explicit(&fetches, 1, memory_order_relaxed);
}

static void edge(struct endpoint *e)
{
	struct wait_node *list;

	spin_lock(&e->lock);
	atomic_fetch_add_explicit(&e->edges, 1, memory_order_relaxed);
	list = wait_queue_claim_all(&e->waiters);
	spin_unlock(&e->lock);
	wait_ready_all(list);
}

/* Deferred work. */
static void serve(void *arg)
{
	struct poller *p = arg;

	if (!p->count)
		fetch(p, 0, NULL);
	for (int i = 0; i < p->count; i++)
		edge(&endpoints[p->events[i].data.fd]);
	p->count = 0;
}

void host_net_halt(const sigset_t *mask)
{
	struct poller *p = &pollers[core_here()->index];

	fetch(p, -1, mask);
	if (p->count)
		irq_defer(&p->work, serve, p);
}

void host_net_interrupt(void)
{
	struct poller *p = &pollers[core_here()->index];

	if (atomic_load_explicit(&asked, memory_order_relaxed) &&
	    atomic_exchange_explicit(&asked, false, memory_order_relaxed))
		irq_defer(&p->work, serve, p);
}

/* Not a core: it has no coroutine, and gets no signals. */
static void *watch(void *unused)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	struct pollfd something = {.fd = epoll, .events = POLLIN};

	(void)unused;
	host_no_core();
	for (unsigned i = 0;; i++) {
		host_call(SYS_poll, (long)&something, 1, -1, 0, 0, 0);

		uint32_t before = atomic_load_explicit(&fetches, memory_order_relaxed);

		host_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
		if (atomic_load_explicit(&fetches, memory_order_relaxed) != before)
			continue;
		atomic_store_explicit(&asked, true, memory_order_relaxed);
		arch_send_reschedule(cores[i % (unsigned)core_count()]);
	}
	return NULL;
}

void host_grow_stack(void)
{
	volatile char room[4 * PAGE_SIZE];

	for (size_t i = sizeof room; i; i -= PAGE_SIZE)
		room[i - 1] = 0;
}

bool host_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;
	sigset_t all, before;
	int error;

	host_grow_stack();
	preempt_disable();
	sigfillset(&all);
	host_interrupts_off(); /* so that late.c does not step there */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	host_interrupts_on();
	if (!error)
		pthread_detach(thread);
	preempt_enable();
	return !error;
}

/* ---- Endpoints ---- */

void host_net_init(void)
{
	struct rlimit files;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || getrlimit(RLIMIT_NOFILE, &files))
		host_die("epoll");
	nothing = open("/", O_PATH | O_CLOEXEC);
	if (nothing < 0)
		host_die("the root folder");
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

struct endpoint *net_endpoint(int fd)
{
	if (fd < 0 || fd >= ENDPOINTS)
		return NULL;
	/* acquire: open_with */
	return atomic_load_explicit(&endpoints[fd].open, memory_order_acquire) ? &endpoints[fd]
									       : NULL;
}

struct endpoint *net_any(int fd)
{
	return fd < 0 || fd >= ENDPOINTS ? NULL : &endpoints[fd];
}

static void begin_watching(void)
{
	if (!atomic_exchange_explicit(&watched, true, memory_order_relaxed) &&
	    !host_thread(watch, NULL))
		panic("no thread to watch sockets");
}

static long open_with(long fd, struct settings *settings)
{
	struct endpoint *e = &endpoints[fd];

	begin_watching();
	atomic_fetch_add_explicit(&settings->descriptors, 1, memory_order_relaxed);
	lock(&e->lock);
	atomic_store_explicit(&e->settings, settings, memory_order_relaxed);
	e->known = false;
	e->closing = false;
	/* release: net_endpoint, so that it has settings */
	atomic_store_explicit(&e->open, true, memory_order_release);
	unlock(&e->lock);
	return fd;
}

/* There are as many as descriptors, so one is free. */
static struct settings *take_settings(void)
{
	struct settings *s;

	lock(&free_lock);
	s = free_settings;
	if (s)
		free_settings = s->next;
	else
		s = &settings_of_all[settings_used++];
	unlock(&free_lock);
	return s;
}

static void put_settings(struct settings *s)
{
	/* acq_rel: the last one sees what the others have written. */
	if (atomic_fetch_sub_explicit(&s->descriptors, 1, memory_order_acq_rel) > 1)
		return;
	lock(&free_lock);
	s->next = free_settings;
	free_settings = s;
	unlock(&free_lock);
}

static long not_too_large(long fd)
{
	if (fd < ENDPOINTS)
		return fd;
	host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return -EMFILE;
}

long net_open(long fd, int type)
{
	struct settings *s;

	fd = not_too_large(fd);
	if (fd < 0)
		return fd;
	s = take_settings();
	atomic_store_explicit(&s->datagrams, (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_DGRAM,
			      memory_order_relaxed);
	atomic_store_explicit(&s->nonblocking, type & SOCK_NONBLOCK, memory_order_relaxed);
	atomic_store_explicit(&s->receive_limit, 0, memory_order_relaxed);
	atomic_store_explicit(&s->send_limit, 0, memory_order_relaxed);
	atomic_store_explicit(&s->error, 0, memory_order_relaxed);
	return open_with(fd, s);
}

long net_open_copy(long copy, int fd)
{
	struct endpoint *e = net_endpoint(fd);

	if (!e || copy < 0)
		return copy;
	copy = not_too_large(copy);
	return copy < 0 ? copy : open_with(copy, settings_of(e));
}

/* Whether it was open, and nobody else closes it. */
static bool begin_closing(int fd, struct endpoint *e)
{
	bool first;

	lock(&e->lock);
	first = atomic_load_explicit(&e->open, memory_order_relaxed) && !e->closing;
	e->closing = true;
	/* Otherwise epoll forgets it by itself. */
	if (first && e->known &&
	    atomic_load_explicit(&settings_of(e)->descriptors, memory_order_relaxed) > 1)
		host_call(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, 0, 0, 0);
	unlock(&e->lock);
	return first;
}

int net_close(int fd)
{
	struct endpoint *e = &endpoints[fd];

	if (!begin_closing(fd, e))
		return -EBADF;
	/* Linux answers EBADF to every call for what is in its place: to those who still think that it is
	 * a socket, and to those who already think that it is none. */
	host_call(SYS_dup3, nothing, fd, O_CLOEXEC, 0, 0, 0);
	atomic_store_explicit(&e->open, false, memory_order_relaxed);
	preempt_disable();
	edge(e);
	preempt_enable();
	put_settings(settings_of(e));
	return 0;
}

/* ---- Waiting ---- */

/* Has epoll tell of it; an edge comes where it is ready now. */
static int tell_epoll(struct endpoint *e, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLET, .data.fd = (int)(e - endpoints)};

	return (int)host_call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, event.data.fd, (long)&event, 0,
			      0);
}

/* The same of another file than a socket. Nobody knows whether it still is the one of the last time, so
 * epoll is told each time, and only of what is waited for: its edge comes back at once. */
static int tell_epoll_again(struct endpoint *e, uint32_t events)
{
	struct epoll_event event = {.data.fd = (int)(e - endpoints)};
	int error;

	e->events = e->waiters.first ? e->events | events : events;
	event.events = e->events | EPOLLET;
	error = tell_epoll(e, e->events);
	if (error == -EEXIST)
		error = (int)host_call(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, event.data.fd,
				       (long)&event, 0, 0);
	return error == -EPERM ? 0 : error; /* a file on a disk: it is never waited for */
}

/* Queues one watch. 0; 1: there is news already; -EBADF, -ENOMEM, ... */
static int begin(struct net_watch *watch)
{
	struct endpoint *e = watch->endpoint;
	int error = 0;

	watch->node = (struct wait_node){.co = arch_current()};
	spin_lock(&e->lock);
	if (!watch->other && !atomic_load_explicit(&e->open, memory_order_relaxed))
		error = -EBADF;
	else if (atomic_load_explicit(&e->edges, memory_order_relaxed) != watch->seen)
		error = 1;
	else if (watch->other)
		error = tell_epoll_again(e, watch->events);
	else if (!e->known)
		error = tell_epoll(e, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	if (!error) {
		e->known = !watch->other;
		wait_queue_put(&e->waiters, &watch->node);
	}
	spin_unlock(&e->lock);
	return error;
}

static void end(struct net_watch *watch)
{
	spin_lock(&watch->endpoint->lock);
	wait_queue_remove(&watch->endpoint->waiters, &watch->node);
	spin_unlock(&watch->endpoint->lock);
}

int net_wait(struct net_watch *watches, size_t n, uint64_t deadline)
{
	struct co *self = arch_current();
	size_t queued = 0;
	int error = 0, claim = 0;

	if (wait_expired(deadline))
		return -ETIMEDOUT;
	begin_watching(); /* what is waited for need not be a socket */
	preempt_disable();
	wait_open(WAIT_SOCKET, n ? watches->endpoint : NULL);
	while (queued < n && !(error = begin(&watches[queued])))
		queued++;
	if (error && wait_claim(self, error)) {
		shared_set(self->state, CO_RUNNING);
	} else {
		atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
		claim = wait_park_cancellable(deadline);
		atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
	}
	while (queued)
		end(&watches[--queued]);
	preempt_enable();
	return claim < 0 ? claim : error < 0 ? error : 0;
}
