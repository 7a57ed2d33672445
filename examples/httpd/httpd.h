/*
 * httpd: an HTTP/1.1 server. A coroutine for each connection reads, answers and reads on, as if it
 * were alone (connection.c). llhttp takes a request's head apart, request.c says what it means,
 * body.c reads what follows it; what is answered is in routes.c.
 *
 * "9110" and "9112" in comments are the RFCs, with their sections.
 */
#ifndef HTTPD_H
#define HTTPD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vole.h>

#include "llhttp.h"

enum { URL_MAX = 1024, FIELDS_SIZE = 1024, IN_SIZE = 1536, OUT_SIZE = 4096 };

/* ---- main.c ---- */

/* The command line's NAME=VALUE words; times in seconds. */
struct config {
	long port;
	long connections;  /* at most so many at once; others get 503 */
	long header_bytes; /* of a request line with its headers */
	long body_bytes;
	long idle_time;   /* between requests, and for the other side to take an answer */
	long header_time; /* from the first byte of a request to the end of its headers */
	long body_time;   /* and to the end of its body */
	long demo;        /* 0: no /load */
	const char *bind;
	const char *files; /* the folder that is served, a real path; NULL: no files */
};
extern struct config config;

extern _Atomic long connections_now;
extern _Atomic unsigned long connections_ever, requests_ever;

/* ---- connection.c: one connection, and the request that is being read or answered ---- */

/* The header fields whose values are kept. */
enum field {
	FIELD_CONNECTION,
	FIELD_EXPECT,
	FIELD_HOST,
	FIELD_IF_MATCH,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_NONE_MATCH,
	FIELD_IF_RANGE,
	FIELD_IF_UNMODIFIED_SINCE,
	FIELD_RANGE,
	FIELD_TRANSFER_ENCODING,
	FIELD_COUNT,
	FIELD_NONE = FIELD_COUNT, /* another one */
};

/* What the next byte of a request is part of. */
enum part {
	PART_HEAD,
	PART_LENGTH, /* a body with Content-Length */
	PART_SIZE,   /* of a chunk: its first digit */
	PART_SIZE_MORE,
	PART_SIZE_BLANK,
	PART_EXTENSION,
	PART_SIZE_LF,
	PART_CHUNK,
	PART_CHUNK_CR,
	PART_CHUNK_LF,
	PART_TRAILER, /* the first byte of a trailer field, or of the empty line */
	PART_TRAILER_NAME,
	PART_TRAILER_VALUE,
	PART_TRAILER_LF,
	PART_LAST_LF,
	PART_DONE,
};

struct connection {
	int fd;
	long time_limit; /* ms that a read may take, as the socket knows it; 0: not yet */
	bool keep;       /* after this answer */
	bool broken;     /* nothing more can be sent */
	llhttp_t parser;

	/* The request. */
	uint64_t began;          /* its first byte came */
	size_t bytes;            /* of it, so far, with those of the body */
	size_t body;             /* bytes of the body, so far */
	uint64_t left;           /* bytes of the body, or of its chunk, that have not come yet */
	uint32_t crc;            /* of the body */
	unsigned char part;      /* enum part */
	unsigned char method;    /* enum llhttp_method */
	unsigned char start_len; /* of start */
	unsigned char name_len;  /* of name; more than its room: a long one, none of ours */
	unsigned char field;     /* enum field: whose value is being read */
	bool field_known;        /* it has been looked up */
	char last, before_last;  /* bytes of the head */
	bool in_fields;          /* after the request line */
	bool has_version;
	int error;                 /* why it cannot be served: a status */
	char start[5];             /* its first bytes */
	char name[20];             /* of the field that is being read */
	char *query;               /* what followed ?, or "" */
	size_t url_len;            /* of url */
	size_t value_len;          /* of the value that is being read, at the end of fields */
	size_t fields_used;        /* of fields, by complete ones */
	short values[FIELD_COUNT]; /* where in fields; -1: not there */
	char url[URL_MAX];         /* for routes: the path, decoded */
	char fields[FIELDS_SIZE];  /* values, each with a NUL at its end */

	size_t used; /* of out */
	char out[OUT_SIZE];
	char in[IN_SIZE];
};

/* Takes fd over, in a coroutine of its own. 0, -ENOMEM: fd is still the caller's. */
int connection_start(int fd);

/* crc of what came before, and of data. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);

/* ---- request.c: the head of a request ---- */

void request_init(struct connection *c);
void request_next(struct connection *c);
void request_refuse(struct connection *c, int status); /* the first reason counts */

/* Takes bytes of the head, until it is complete (part is another then) or error is set; how many. */
size_t request_take(struct connection *c, char *data, size_t n);

/* What a field's value was, without blanks around it; of several fields of the same name, all of
 * them with commas between. NULL: there was none. */
const char *request_field(const struct connection *c, enum field field);

/* Whether the connection is to be kept after the answer. */
bool request_stays_open(const struct connection *c);

/* Makes the path in url, and query, of the target. 0, or the status that says what is wrong. */
int request_target(struct connection *c);

/* ---- host.c: whether text[0..n) can be a host with perhaps a port, as in Host ---- */

bool host_is_valid(const char *text, size_t n);

/* ---- body.c ---- */

/* Takes bytes of the body, until it is complete (PART_DONE) or error is set; how many. */
size_t body_take(struct connection *c, const char *data, size_t n);

/* ---- date.c: HTTP's dates, 9110 5.6.7 ---- */

enum { DATE_SIZE = 30 };
#define DATE_NONE INT64_MIN

void date_format(int64_t when, char text[DATE_SIZE]);
int64_t date_parse(const char *text); /* DATE_NONE: that is none */
int64_t date_now(void);               /* DATE_NONE: the machine does not know */

/* ---- conditions.c: what If-... and Range ask for ---- */

/* What may be served, in whole or in part. */
struct resource {
	long size;
	int64_t modified; /* DATE_NONE: not known */
	char etag[64];    /* with its quotes */
};

/* Makes the tag of two numbers, which are others when the content is. */
void resource_tag(struct resource *r, uint64_t a, uint64_t b);

/* 304 or 412 when a condition is not met, else 0. */
int conditions_check(const struct connection *c, const struct resource *r);

/* 206 with the first and the last byte that are wanted, 416 when there are none such, else 200. */
int conditions_range(const struct connection *c, const struct resource *r, long *first, long *last);

/* ---- answer.c: sends; answers of several requests are gathered while there is room ---- */

enum { UNTIL_CLOSE = -1, NO_BODY = -2 };

struct answer {
	int status;
	const char *type;          /* NULL: no Content-Type */
	const char *extra;         /* more header lines, or NULL */
	long length;               /* of the body, or one of the above */
	const struct resource *of; /* what it is, or NULL */
	long first, last;          /* of it, with 206 */
};

void answer_head(struct connection *c, const struct answer *a);
void answer_body(struct connection *c, const void *data, size_t size);
void answer_flush(struct connection *c);

/* A whole answer. */
void answer_text(struct connection *c, int status, const char *type, const char *extra,
		 const void *body, size_t size);

/* The same of t, and frees it; 503 where it is not whole. */
struct text;
void answer_made(struct connection *c, const char *type, const char *extra, struct text *t);

/* Begins the answer to a GET or HEAD for r: by its conditions and its range. True: bytes first to
 * last of it are to follow. */
bool answer_resource(struct connection *c, const char *type, const struct resource *r, long *first,
		     long *last);

/* A status without more, with a line of text that says so. */
void answer_status(struct connection *c, int status, const char *extra);

/* ---- routes.c ---- */

void route(struct connection *c);

/* ---- files.c ---- */

int files_init(void); /* looks for the folder; 0, or -1 with errno */
void files_serve(struct connection *c, const char *path);

/* ---- events.c: what the machine does, as the page shows it ---- */

void events_serve(struct connection *c); /* for as long as the other side listens */
void stats_serve(struct connection *c);
void stats_add(struct text *t); /* the figures of the machine, as members of a JSON object */

/* ---- debug.c: the same in figures, with the coroutines that use most time, and the last events ---- */

void debug_serve(struct connection *c);

/* ---- load.c: work, for the page to show ---- */

void load_serve(struct connection *c);

/* ---- page.c ---- */

extern const char page[], debug_page[];
extern const size_t page_size, debug_page_size;

/* ---- text.c: text that grows; when there is no memory it stays as it is, and says so ---- */

struct text {
	char *data;
	size_t size, room;
	bool failed;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_string(struct text *t, const char *s); /* in quotes, as JSON has it */
void text_free(struct text *t);

int hex_digit(char c);      /* its value, or -1 */
bool is_token_char(char c); /* of methods and names of fields, 9110 5.6.2 */

#endif
