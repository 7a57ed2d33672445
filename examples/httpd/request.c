/*
 * The head of a request. llhttp takes it apart; what its fields mean for the connection and for the
 * body is decided here, so that the whole of 9112's rules is in one place: llhttp is told that there
 * is no body. Whatever two readers might take for different requests is refused.
 */
#include <string.h>
#include <strings.h>

#include "httpd.h"

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_CONNECTION] = "connection",
	[FIELD_EXPECT] = "expect",
	[FIELD_HOST] = "host",
	[FIELD_IF_MATCH] = "if-match",
	[FIELD_IF_MODIFIED_SINCE] = "if-modified-since",
	[FIELD_IF_NONE_MATCH] = "if-none-match",
	[FIELD_IF_RANGE] = "if-range",
	[FIELD_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
	[FIELD_RANGE] = "range",
	[FIELD_TRANSFER_ENCODING] = "transfer-encoding",
};

void request_refuse(struct connection *c, int status)
{
	if (!c->error)
		c->error = status;
}

const char *request_field(const struct connection *c, enum field field)
{
	return c->values[field] < 0 ? NULL : c->fields + c->values[field];
}

/* ---- Fields, as llhttp tells them ---- */

static struct connection *connection_of(llhttp_t *parser)
{
	return parser->data;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	if (n >= URL_MAX - c->url_len) {
		request_refuse(c, 414);
		return HPE_USER;
	}
	memcpy(c->url + c->url_len, at, n);
	c->url_len += n;
	return 0;
}

static int on_version(llhttp_t *parser, const char *at, size_t n)
{
	(void)at;
	(void)n;
	connection_of(parser)->has_version = true;
	return 0;
}

/* Keeps what fits, in lower case. */
static int on_field(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	for (size_t i = 0; i < n && c->name_len <= sizeof c->name; i++, c->name_len++)
		if (c->name_len < sizeof c->name)
			c->name[c->name_len] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] | 0x20)
									    : at[i];
	return 0;
}

static void look_up_field(struct connection *c)
{
	if (c->field_known)
		return;
	c->field_known = true;
	for (c->field = 0; c->field < FIELD_COUNT; c->field++)
		if (strlen(field_names[c->field]) == c->name_len &&
		    !memcmp(field_names[c->field], c->name, c->name_len))
			break;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
	struct connection *c = connection_of(parser);

	look_up_field(c);
	if (c->field == FIELD_NONE)
		return 0;
	if (n >= FIELDS_SIZE - c->fields_used - c->value_len) {
		request_refuse(c, 431);
		return HPE_USER;
	}
	memcpy(c->fields + c->fields_used + c->value_len, at, n);
	c->value_len += n;
	return 0;
}

/* The value at the end of fields is complete. What an earlier field of this name said comes before it. */
static void keep_value(struct connection *c)
{
	char *value = c->fields + c->fields_used;
	const char *before = request_field(c, c->field);
	size_t n = c->value_len;

	while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
	if (before) {
		size_t len = strlen(before) + 2;

		if (n + len >= FIELDS_SIZE - c->fields_used) {
			request_refuse(c, 431);
			return;
		}
		memmove(value + len, value, n);
		memcpy(value, before, len - 2);
		memcpy(value + len - 2, ", ", 2);
		n += len;
	}
	value[n] = '\0';
	c->values[c->field] = (short)c->fields_used;
	c->fields_used += n + 1;
}

static int on_header(llhttp_t *parser)
{
	struct connection *c = connection_of(parser);

	look_up_field(c);
	if (!c->name_len || (c->field == FIELD_HOST && request_field(c, FIELD_HOST)))
		request_refuse(c, 400); /* two hosts mislead somebody */
	else if (c->field != FIELD_NONE && c->fields_used == FIELDS_SIZE)
		request_refuse(c, 431);
	else if (c->field != FIELD_NONE)
		keep_value(c);
	c->name_len = 0;
	c->value_len = 0;
	c->field_known = false;
	return c->error ? HPE_USER : 0;
}

/* ---- What they mean ---- */

/* The next element of a list with commas; its length, 0 after the last. Empty ones do not count. */
static size_t next_element(const char **list)
{
	size_t n;

	*list += strspn(*list, ", \t");
	n = strcspn(*list, ",");
	while (n && strchr(" \t", (*list)[n - 1]))
		n--;
	return n;
}

static bool is_word(const char *text, size_t n, const char *word)
{
	return n == strlen(word) && !strncasecmp(text, word, n);
}

static bool list_has(const char *list, const char *word)
{
	size_t n;

	for (; list && (n = next_element(&list)); list += n)
		if (is_word(list, n, word))
			return true;
	return false;
}

/* 9112 6.1 and 6.3: chunked comes last, and once; others are not known here. 0, or a status. */
static int check_codings(const char *list)
{
	bool chunked = false, other = false;
	size_t n;

	for (; (n = next_element(&list)); list += n) {
		if (chunked)
			return 400;
		chunked = is_word(list, n, "chunked");
		other |= !chunked;
	}
	return !chunked ? 400 : other ? 501 : 0;
}

/* 9110 10.1.1: only one thing can be expected. 0, or a status. */
static int check_expect(const char *list)
{
	size_t n;

	for (; (n = next_element(&list)); list += n)
		if (!is_word(list, n, "100-continue"))
			return 417;
	return 0;
}

bool request_stays_open(const struct connection *c)
{
	const char *list = request_field(c, FIELD_CONNECTION);

	if (list_has(list, "close"))
		return false;
	if (c->parser.http_minor)
		return true;
	/* HTTP/1.0 has no chunks: who sends some may have got the end wrong (9112 6.1). */
	return list_has(list, "keep-alive") && !request_field(c, FIELD_TRANSFER_ENCODING);
}

static void go_on(struct connection *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	answer_flush(c);
	memcpy(c->out, text, sizeof text - 1);
	c->used = sizeof text - 1;
	answer_flush(c);
}

/* The head is complete. 1: llhttp is to take what follows for another request. */
static int on_headers(llhttp_t *parser)
{
	struct connection *c = connection_of(parser);
	const char *host = request_field(c, FIELD_HOST), *expect = request_field(c, FIELD_EXPECT);
	const char *codings = request_field(c, FIELD_TRANSFER_ENCODING);
	bool expects = expect && parser->http_minor; /* from HTTP/1.0 it says nothing */
	int wrong;

	c->method = parser->method;
	parser->upgrade = 0; /* to nothing: it is served as it is */
	if (parser->http_major != 1)
		request_refuse(c, c->has_version ? 505 : 400);
	if (host ? !host_is_valid(host, strlen(host)) : parser->http_minor)
		request_refuse(c, 400);
	if (codings && (parser->flags & F_CONTENT_LENGTH))
		request_refuse(c, 400);
	if (codings && (wrong = check_codings(codings)))
		request_refuse(c, wrong);
	if (expects && (wrong = check_expect(expect)))
		request_refuse(c, wrong);
	if (parser->content_length > (unsigned long)config.body_bytes)
		request_refuse(c, 413);
	if (c->error)
		return -1;
	c->left = parser->content_length;
	c->part = codings ? PART_SIZE : c->left ? PART_LENGTH : PART_DONE;
	if (expects && *expect && c->part != PART_DONE)
		go_on(c);
	return 1;
}

static int on_complete(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_version = on_version,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_header,
	.on_headers_complete = on_headers,
	.on_message_complete = on_complete,
};

/* ---- Bytes ---- */

void request_next(struct connection *c)
{
	c->bytes = c->body = c->url_len = c->value_len = c->fields_used = 0;
	c->left = 0;
	c->crc = 0;
	c->part = PART_HEAD;
	c->method = HTTP_GET;
	c->start_len = c->name_len = 0;
	c->field_known = false;
	c->last = c->before_last = '\0';
	c->in_fields = c->has_version = false;
	for (int i = 0; i < FIELD_COUNT; i++)
		c->values[i] = -1;
	llhttp_reset(&c->parser);
}

void request_init(struct connection *c)
{
	llhttp_init(&c->parser, HTTP_REQUEST, &settings);
	/* 1.2 is served as 1.1, by 9110 2.5; codings are looked at here. */
	c->parser.lenient_flags |= LENIENT_VERSION | LENIENT_TRANSFER_ENCODING;
	c->parser.data = c;
	request_next(c);
}

/* Whether the line, of which all or the end is in data, is a request with a method that is only
 * unknown, not none at all. */
static bool is_request_line(const char *data, size_t n)
{
	const char *end = data + n;

	while (data < end && (*data == '\r' || *data == '\n'))
		data++;
	while (data < end && is_token_char(*data))
		data++;
	if (data == end || *data++ != ' ' || data == end || *data == ' ')
		return false;
	while (data<end && * data> ' ')
		data++;
	return end - data > 6 && !memcmp(data, " HTTP/", 6);
}

static int status_of(llhttp_errno_t error, const struct connection *c, const char *data, size_t n)
{
	switch (error) {
	case HPE_INVALID_METHOD:
		/* In pieces, capitals have to do. */
		return is_request_line(data, n) || (!memchr(data, '\n', n) && c->start_len &&
						    c->start[0] >= 'A' && c->start[0] <= 'Z')
			       ? 501
			       : 400;
	case HPE_INVALID_VERSION:
	case HPE_PAUSED_H2_UPGRADE:
		return 505;
	default:
		return 400;
	}
}

/* Looks at bytes before llhttp does, as far as the head goes; how many that are. Notes how it starts,
 * which says also of an error whether it is to have a body. Refuses lines that go on in the next one
 * (9112 5.2), which nobody sends any more. Makes blanks of tabs in fields, where both mean the same:
 * llhttp does not know them after some values. */
static size_t prepare(struct connection *c, char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char byte = data[i];

		if (c->start_len < sizeof c->start && (c->start_len || byte > ' '))
			c->start[c->start_len++] = byte;
		if (c->in_fields && c->last == '\n' && (byte == ' ' || byte == '\t'))
			request_refuse(c, 400);
		if (c->in_fields && byte == '\t')
			data[i] = ' ';
		if (c->in_fields && byte == '\n' && c->before_last == '\n' && c->last == '\r')
			n = i + 1;
		c->in_fields |= byte == '\n' && c->start_len;
		c->before_last = c->last;
		c->last = byte;
	}
	if (c->start_len == sizeof c->start && !memcmp(c->start, "HEAD ", sizeof c->start))
		c->method = HTTP_HEAD;
	return n;
}

size_t request_take(struct connection *c, char *data, size_t n)
{
	llhttp_errno_t error;
	size_t taken;

	n = prepare(c, data, n);
	error = llhttp_execute(&c->parser, data, n);
	taken = error ? (size_t)(llhttp_get_error_pos(&c->parser) - data) : n;
	if (error && error != HPE_PAUSED)
		request_refuse(c, status_of(error, c, data, n));
	return taken;
}

/* ---- The target, 9112 3.2 ---- */

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
		high = hex_digit(s[1]);
		low = high < 0 ? -1 : hex_digit(s[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	*to = '\0';
	return true;
}

/* Where the path or the query of an absolute target begins. NULL: status says what is wrong. */
static char *after_authority(char *url, int *status)
{
	bool https = !strncasecmp(url, "https://", 8);
	char *authority = url + 7 + https, *end = authority + strcspn(authority, "/?");

	*status = 400;
	if (!https && strncasecmp(url, "http://", 7))
		return NULL;
	if (end == authority || !host_is_valid(authority, (size_t)(end - authority)))
		return NULL;
	*status = https ? 421 : 0; /* not over a connection in the clear, 9110 7.4 */
	return https ? NULL : end;
}

int request_target(struct connection *c)
{
	char *path = c->url;
	int status;

	c->url[c->url_len] = '\0';
	c->query = path + c->url_len;
	if (!strcmp(path, "*"))
		return c->method == HTTP_OPTIONS ? 0 : 400;
	if (c->method == HTTP_CONNECT || strpbrk(path, "\"#<>\\^`{|}"))
		return 400;
	if (*path != '/') {
		path = after_authority(path, &status);
		if (!path)
			return status;
		if (!*path && c->method == HTTP_OPTIONS) { /* what a proxy makes "*" of */
			strcpy(c->url, "*");
			return 0;
		}
		if (*path != '/')
			*--path = '/';
	}
	c->query = path + strcspn(path, "?");
	if (*c->query)
		*c->query++ = '\0';
	memmove(c->url, path, strlen(path) + 1);
	return decode(c->url) ? 0 : 400;
}
