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
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
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
	if (size > 0) /* data may be NULL then */
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

static void put_date(struct connection *c, const char *name, int64_t when)
{
	char text[DATE_SIZE];

	date_format(when, text);
	put_text(c, name);
	put_text(c, text);
}

static void put_resource(struct connection *c, const struct answer *a)
{
	const struct resource *r = a->of;
	int64_t now = date_now();

	put_text(c, "\r\nAccept-Ranges: bytes\r\nETag: ");
	put_text(c, r->etag);
	if (r->modified != DATE_NONE) /* nothing has been changed in the future */
		put_date(c, "\r\nLast-Modified: ",
			 now != DATE_NONE && r->modified > now ? now : r->modified);
	if (a->status != 206 && a->status != 416)
		return;
	put_text(c, "\r\nContent-Range: bytes ");
	if (a->status == 206) {
		put_number(c, (unsigned long)a->first);
		put_text(c, "-");
		put_number(c, (unsigned long)a->last);
	} else {
		put_text(c, "*");
	}
	put_text(c, "/");
	put_number(c, (unsigned long)r->size);
}

void answer_head(struct connection *c, const struct answer *a)
{
	int64_t now = date_now();

	put_text(c, "HTTP/1.1 ");
	put_number(c, (unsigned)a->status);
	put_text(c, " ");
	put_text(c, reason(a->status));
	if (now != DATE_NONE)
		put_date(c, "\r\nDate: ", now);
	put_text(c, "\r\nX-Content-Type-Options: nosniff");
	if (a->type) {
		put_text(c, "\r\nContent-Type: ");
		put_text(c, a->type);
	}
	if (a->of)
		put_resource(c, a);
	if (a->length >= 0) {
		put_text(c, "\r\nContent-Length: ");
		put_number(c, (unsigned long)a->length);
	} else if (a->length == UNTIL_CLOSE) {
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
	answer_head(c, &(struct answer){.status = status,
					.type = type,
					.extra = extra,
					.length = (long)size});
	answer_body(c, body, size);
}

/* A line of text that says the status. */
static void put_status(struct connection *c, struct answer *a)
{
	const char *text = reason(a->status);
	size_t size = strlen(text);

	a->type = "text/plain";
	a->length = (long)size + 1;
	answer_head(c, a);
	answer_body(c, text, size);
	answer_body(c, "\n", 1);
}

void answer_status(struct connection *c, int status, const char *extra)
{
	put_status(c, &(struct answer){.status = status, .extra = extra});
}

void answer_made(struct connection *c, const char *type, const char *extra, struct text *t)
{
	if (t->failed)
		answer_status(c, 503, NULL);
	else
		answer_text(c, 200, type, extra, t->data, t->size);
	text_free(t);
}

bool answer_resource(struct connection *c, const char *type, const struct resource *r, long *first,
		     long *last)
{
	struct answer a = {.status = conditions_check(c, r), .of = r};

	if (a.status == 304) {
		a.length = NO_BODY;
		answer_head(c, &a);
		return false;
	}
	if (!a.status)
		a.status = conditions_range(c, r, first, last);
	if (a.status >= 400) {
		put_status(c, &a);
		return false;
	}
	a.type = type;
	a.first = *first;
	a.last = *last;
	a.length = *last - *first + 1;
	answer_head(c, &a);
	return true;
}
