/*
 * One connection: read, parse, answer. llhttp takes what has come piece by piece and pauses at the
 * end of a request; answers gather in out and are sent before the next read, so a plain request is
 * one read and one write.
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

static void refuse(struct connection *c, int status)
{
	if (!c->error)
		c->error = status;
}

/* ---- What llhttp tells ---- */

static struct connection *connection_of(llhttp_t *parser)
{
	return parser->data;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	if (n >= URL_MAX - c->url_len) {
		refuse(c, 414);
		return HPE_USER;
	}
	memcpy(c->url + c->url_len, at, n);
	c->url_len += n;
	return 0;
}

/* Adds what fits, in lower case, and counts the rest; a length above the room means: something long
 * that is none of ours. */
static void gather(char *text, unsigned char *len, size_t room, const char *at, size_t n)
{
	for (size_t i = 0; i < n && *len <= room; i++, ++*len)
		if (*len < room)
			text[*len] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] | 0x20) : at[i];
}

static int on_field(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	gather(c->name, &c->name_len, sizeof c->name, at, n);
	return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	gather(c->value, &c->value_len, sizeof c->value, at, n);
	return 0;
}

static bool is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

static int on_header(llhttp_t *parser)
{
	struct connection *c = connection_of(parser);

	if (is(c->name, c->name_len, "host")) {
		if (c->has_host) /* two of them mislead somebody */
			refuse(c, 400);
		c->has_host = true;
	} else if (is(c->name, c->name_len, "expect")) {
		c->expects = is(c->value, c->value_len, "100-continue");
		if (!c->expects)
			refuse(c, 417);
	}
	c->name_len = c->value_len = 0;
	return c->error ? HPE_USER : 0;
}

static int on_headers(llhttp_t *parser)
{
	struct connection *c = connection_of(parser);
	bool body = parser->flags & F_CHUNKED || parser->content_length;

	c->in_body = true;
	c->method = parser->method;
	parser->upgrade = 0; /* to nothing: it is served as it is */
	if (parser->http_major != 1)
		refuse(c, 505);
	if (parser->http_minor && !c->has_host)
		refuse(c, 400);
	if (parser->content_length > (unsigned long)config.body_bytes)
		refuse(c, 413);
	if (c->error)
		return -1;
	if (c->expects && body && parser->http_minor) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		answer_flush(c);
		memcpy(c->out, go_on, sizeof go_on - 1);
		c->used = sizeof go_on - 1;
		answer_flush(c);
	}
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	c->body += n;
	if (c->body > (size_t)config.body_bytes) {
		refuse(c, 413);
		return HPE_USER;
	}
	c->crc = crc32(c->crc, at, n);
	return 0;
}

static int on_complete(llhttp_t *parser)
{
	connection_of(parser)->keep = llhttp_should_keep_alive(parser);
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_header,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/* ---- The request ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* %XX becomes the byte, which is not 0. False: that cannot be. */
static bool decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int high, low;

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		high = hex(s[1]);
		low = high < 0 ? -1 : hex(s[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	*to = '\0';
	return true;
}

/* url becomes the path, decoded, and query. */
static bool split(struct connection *c)
{
	char *path = c->url;

	c->url[c->url_len] = '\0';
	if (!strncmp(path, "http://", 7)) { /* as for a proxy */
		path += 7 + strcspn(path + 7, "/?");
		if (*path != '/')
			*--path = '/';
	}
	if (*path != '/')
		return false;
	c->query = path + strcspn(path, "?");
	if (*c->query)
		*c->query++ = '\0';
	memmove(c->url, path, strlen(path) + 1);
	return decode(c->url);
}

static void answer(struct connection *c)
{
	atomic_fetch_add_explicit(&requests_ever, 1, memory_order_relaxed);
	if (split(c))
		route(c);
	else
		answer_status(c, 400, NULL);
}

static void next_request(struct connection *c)
{
	c->bytes = c->body = c->url_len = c->name_len = c->value_len = 0;
	c->crc = 0;
	c->in_body = c->has_host = c->expects = false;
}

static int status_of(llhttp_errno_t error, char first)
{
	switch (error) {
	case HPE_INVALID_METHOD:
		return first >= 'A' && first <= 'Z' ? 501 : 400;
	case HPE_INVALID_VERSION:
	case HPE_PAUSED_H2_UPGRADE:
		return 505;
	default:
		return 400;
	}
}

/* All that a read has brought; until error, or an answer after which the connection closes. */
static void consume(struct connection *c, const char *data, size_t n)
{
	while (n && !c->broken) {
		llhttp_errno_t error;
		bool body = c->in_body;
		size_t taken;

		if (!c->bytes) {
			c->began = time_now();
			c->first = *data;
		}
		error = llhttp_execute(&c->parser, data, n);
		taken = error ? (size_t)(llhttp_get_error_pos(&c->parser) - data) : n;
		c->bytes += taken;
		data += taken;
		n -= taken;
		if (c->bytes - c->body > (size_t)config.header_bytes + CHUNK_COST * c->body)
			refuse(c, body ? 413 : 431);
		else if (error && error != HPE_PAUSED)
			refuse(c, status_of(error, c->first));
		if (c->error)
			return;
		if (error == HPE_PAUSED) {
			llhttp_resume(&c->parser);
			answer(c);
			if (!c->keep)
				return;
			next_request(c);
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
	uint64_t allowed = (uint64_t)(c->in_body ? config.body_time : config.header_time);
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
		refuse(c, 400);
	else if (!limit || errno == EAGAIN || errno == EWOULDBLOCK)
		refuse(c, 408);
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
		c->method = HTTP_GET;
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
	llhttp_init(&c->parser, HTTP_REQUEST, &settings);
	c->parser.data = c;
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
