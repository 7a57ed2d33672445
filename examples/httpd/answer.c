#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "httpd.h"

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{301, "Moved Permanently"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{417, "Expectation Failed"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* out, then more, with one call. */
static void send_with(struct connection *c, const void *more, size_t size)
{
	struct iovec pieces[] = {{c->out, c->used}, {(void *)more, size}};
	size_t all = c->used + size;

	c->used = 0;
	if (!c->broken && writev(c->fd, pieces, size ? 2 : 1) != (ssize_t)all)
		c->broken = true;
}

void answer_flush(struct connection *c)
{
	if (c->used)
		send_with(c, NULL, 0);
}

static void put(struct connection *c, const void *data, size_t size)
{
	if (size > OUT_SIZE - c->used) {
		send_with(c, data, size);
		return;
	}
	memcpy(c->out + c->used, data, size);
	c->used += size;
}

static void put_text(struct connection *c, const char *s)
{
	put(c, s, strlen(s));
}

/* Not printf, which costs each coroutine some 2 KB of newlib's. */
static void put_number(struct connection *c, unsigned long n)
{
	char digits[20], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	put(c, p, (size_t)(digits + sizeof digits - p));
}

void answer_head(struct connection *c, const struct answer *a)
{
	put_text(c, "HTTP/1.1 ");
	put_number(c, (unsigned)a->status);
	put_text(c, " ");
	put_text(c, reason(a->status));
	if (a->type) {
		put_text(c, "\r\nContent-Type: ");
		put_text(c, a->type);
	}
	if (a->length >= 0) {
		put_text(c, "\r\nContent-Length: ");
		put_number(c, (unsigned long)a->length);
	} else {
		c->keep = false;
	}
	if (!c->keep)
		put_text(c, "\r\nConnection: close");
	else if (c->parser.http_minor == 0)
		put_text(c, "\r\nConnection: keep-alive");
	put_text(c, "\r\n");
	if (a->extra)
		put_text(c, a->extra);
	put_text(c, "\r\n");
}

void answer_body(struct connection *c, const void *data, size_t size)
{
	if (c->method != HTTP_HEAD)
		put(c, data, size);
}

void answer_text(struct connection *c, int status, const char *type, const char *extra,
		 const void *body, size_t size)
{
	answer_head(c, &(struct answer){status, type, extra, (long)size});
	answer_body(c, body, size);
}

void answer_status(struct connection *c, int status, const char *extra)
{
	const char *text = reason(status);
	size_t size = strlen(text);

	answer_head(c, &(struct answer){status, "text/plain", extra, (long)size + 1});
	answer_body(c, text, size);
	answer_body(c, "\n", 1);
}
