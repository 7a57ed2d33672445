/*
 * One connection: read, parse, answer. What has come is taken piece by piece; answers gather in out
 * and are sent before the next read, so a plain request is one read and one write.
 *
 * Nothing that the other side does may keep a connection for ever, or make it large: see limits.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "httpd.h"

/* A chunk of a body costs a few bytes of its own: so many for each of the body are not too much. */
enum { CHUNK_COST = 16 };
/* After an error: how long, in ms, and how much may come until the other side has seen it. */
enum { LINGER_MS = 1000, LINGER_BYTES = 256 * 1024 };

/* ---- The request ---- */

static void answer(struct connection *c)
{
	int wrong = request_target(c);

	atomic_fetch_add_explicit(&requests_ever, 1, memory_order_relaxed);
	if (wrong)
		answer_status(c, wrong, NULL);
	else
		route(c);
}

/* All that a read has brought; until error, or an answer after which the connection closes. */
static void consume(struct connection *c, char *data, size_t n)
{
	while (n && !c->broken) {
		bool head = c->part == PART_HEAD;
		size_t taken;

		if (!c->bytes)
			c->began = time_now();
		taken = head ? request_take(c, data, n) : body_take(c, data, n);
		c->bytes += taken;
		data += taken;
		n -= taken;
		if (c->bytes - c->body > (size_t)config.header_bytes + CHUNK_COST * c->body)
			request_refuse(c, head ? 431 : 413);
		if (c->error)
			return;
		if (c->part == PART_DONE) {
			c->keep = request_stays_open(c);
			answer(c);
			if (!c->keep)
				return;
			request_next(c);
		}
	}
}

/* ---- The connection ---- */

static void limit_time(struct connection *c, int option, long ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (setsockopt(c->fd, SOL_SOCKET, option, &limit, sizeof limit))
		c->broken = true;
}

/* In ms: how long the next read may take. The socket is told only when that changes, which for
 * requests that come whole it does not. */
static long patience(const struct connection *c)
{
	uint64_t allowed = (uint64_t)(c->part != PART_HEAD ? config.body_time : config.header_time);
	uint64_t end = c->began + allowed * NSEC_PER_SEC, now = time_now();

	if (!c->bytes)
		return config.idle_time * 1000;
	return end > now ? (long)((end - now) / NSEC_PER_MSEC) : 0;
}

/* 0 at the end, when it takes too long, and after an error of the connection. */
static size_t receive(struct connection *c)
{
	long limit = patience(c);
	ssize_t n = -1;

	if (limit && limit != c->time_limit)
		limit_time(c, SO_RCVTIMEO, limit);
	c->time_limit = limit;
	if (limit && !c->broken)
		n = read(c->fd, c->in, sizeof c->in);
	if (n > 0)
		return (size_t)n;
	if (!c->bytes)
		return 0;
	if (n == 0) /* in the middle of a request */
		request_refuse(c, 400);
	else if (!limit || errno == EAGAIN || errno == EWOULDBLOCK)
		request_refuse(c, 408);
	return 0;
}

/* Who still sends would get a reset, and perhaps never see the answer. */
static void linger(struct connection *c)
{
	uint64_t end = time_now() + LINGER_MS * NSEC_PER_MSEC;
	size_t taken = 0;
	ssize_t n;

	limit_time(c, SO_RCVTIMEO, LINGER_MS);
	if (c->broken || shutdown(c->fd, SHUT_WR))
		return;
	while (taken < LINGER_BYTES && time_now() < end &&
	       (n = read(c->fd, c->in, sizeof c->in)) > 0)
		taken += (size_t)n;
}

static void serve_client(void *arg)
{
	struct connection *c = arg;
	size_t n;

	limit_time(c, SO_SNDTIMEO, config.idle_time * 1000);
	do {
		answer_flush(c);
		n = receive(c);
		consume(c, c->in, n);
	} while (n && c->keep && !c->error && !c->broken);
	if (c->error) {
		c->keep = false;
		answer_status(c, c->error, NULL);
	}
	answer_flush(c);
	if (c->error)
		linger(c);
	close(c->fd);
	free(c);
	atomic_fetch_sub(&connections_now, 1);
}

int connection_start(int fd)
{
	struct connection *c = calloc(1, sizeof *c);
	int on = 1;

	if (!c)
		return -ENOMEM;
	c->fd = fd;
	c->keep = true;
	request_init(c);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	atomic_fetch_add(&connections_now, 1);
	atomic_fetch_add(&connections_ever, 1);
	if (go(serve_client, c)) {
		atomic_fetch_sub(&connections_now, 1);
		free(c);
		return -ENOMEM;
	}
	return 0;
}
