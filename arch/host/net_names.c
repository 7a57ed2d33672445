/*
 * Names: the C library asks for them with sockets of its own, and blocks its thread. So a thread
 * that is not a core asks; the coroutine reads from a socket whose other end the thread closes when
 * it has the answer.
 */
#include "host.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "arch/host/net.h"

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **result);
void *__real_malloc(size_t size);
void __real_free(void *p);
int __real_close(int fd);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **result);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
int __wrap_close(int fd);

/* From the C library's heap: the kernel's is for coroutines. */
struct question {
	struct addrinfo hints;
	int fd; /* the thread's */
	_Atomic bool left;
	_Atomic bool answered;
	/* the answer, written by the thread before answered */
	int error, system_error;
	struct addrinfo *result;
	size_t node_size; /* 0: no service */
	char text[];      /* the node, then the service */
};

/* The thread or the coroutine: who comes second frees it. */
static void leave(struct question *q)
{
	/* acq_rel: the second sees what the first has written. */
	if (!atomic_exchange_explicit(&q->left, true, memory_order_acq_rel))
		return;
	if (q->result)
		freeaddrinfo(q->result);
	__real_free(q);
}

static void *ask(void *arg)
{
	struct question *q = arg;

	host_no_core();
	q->error = __real_getaddrinfo(q->text, q->node_size ? q->text + q->node_size : NULL,
				      &q->hints, &q->result);
	if (q->error) {
		q->system_error = thread_errno();
		q->result = NULL;
	}
	/* release: with the acquire in answer. */
	atomic_store_explicit(&q->answered, true, memory_order_release);
	__real_close(q->fd);
	leave(q);
	return NULL;
}

static struct question *question(const char *node, const char *service,
				 const struct addrinfo *hints)
{
	size_t node_size = strlen(node) + 1, size = node_size + (service ? strlen(service) + 1 : 0);
	struct question *q = __real_malloc(sizeof *q + size);

	if (!q)
		return NULL;
	*q = (struct question){.hints = hints ? *hints
					      : (struct addrinfo){.ai_flags = AI_V4MAPPED |
									      AI_ADDRCONFIG},
			       .node_size = service ? node_size : 0};
	memcpy(q->text, node, node_size);
	if (service)
		memcpy(q->text + node_size, service, size - node_size);
	return q;
}

static int system_error(int error)
{
	net_result(-error);
	return EAI_SYSTEM;
}

/* Waits for the thread at fd, which it closes. */
static int answer(struct question *q, int fd, struct addrinfo **result)
{
	char none;
	ssize_t n = __wrap_recv(fd, &none, 1, 0);

	__wrap_close(fd);
	/* acquire: with the release in ask. */
	if (n < 0 || !atomic_load_explicit(&q->answered, memory_order_acquire))
		return system_error(ECANCELED);
	*result = q->result;
	q->result = NULL;
	return q->error == EAI_SYSTEM ? system_error(q->system_error) : q->error;
}

static int ask_elsewhere(const char *node, const char *service, const struct addrinfo *hints,
			 struct addrinfo **result)
{
	struct question *q = question(node, service, hints);
	int fds[2], error;

	if (!q)
		return EAI_MEMORY;
	error = (int)host_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			       0, (long)fds, 0, 0);
	if (error || net_open(fds[0], SOCK_STREAM) < 0) {
		if (!error)
			__real_close(fds[1]);
		__real_free(q);
		return system_error(EMFILE);
	}
	q->fd = fds[1];
	if (!host_thread(ask, q)) {
		__real_close(fds[1]);
		__wrap_close(fds[0]);
		__real_free(q);
		return EAI_AGAIN;
	}
	error = answer(q, fds[0], result);
	leave(q);
	return error;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **result)
{
	struct addrinfo number = hints ? *hints : (struct addrinfo){0};
	int error;

	number.ai_flags |= AI_NUMERICHOST;
	error = __real_getaddrinfo(node, service, &number, result);
	if (error != EAI_NONAME || !node || (hints && hints->ai_flags & AI_NUMERICHOST))
		return error;
	return ask_elsewhere(node, service, hints, result);
}
