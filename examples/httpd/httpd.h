/*
 * httpd: an HTTP/1.1 server. A coroutine for each connection reads, answers and reads on, as if it
 * were alone (connection.c, by llhttp); what it answers is in routes.c.
 */
#ifndef HTTPD_H
#define HTTPD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vole.h>

#include "llhttp.h"

enum { URL_MAX = 1024, IN_SIZE = 2560, OUT_SIZE = 4096 };

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
	const char *files; /* the folder that is served; on the host port / is the host's */
};
extern struct config config;

extern _Atomic long connections_now;
extern _Atomic unsigned long connections_ever, requests_ever;

/* ---- connection.c: one connection, and the request that is being read or answered ---- */

struct connection {
	int fd;
	long time_limit; /* ms that a read may take, as the socket knows it; 0: not yet */
	bool keep;       /* after this answer */
	bool broken;     /* nothing more can be sent */
	llhttp_t parser;

	/* The request. */
	uint64_t began;       /* its first byte came */
	size_t bytes;         /* of it, so far, with those of the body */
	size_t body;          /* bytes of the body, so far */
	uint32_t crc;         /* of the body */
	bool in_body;         /* its headers are complete */
	bool has_host;        /* a Host header */
	bool expects;         /* 100 Continue, before it sends its body */
	char first;           /* its first byte */
	int error;            /* why it cannot be served: a status */
	unsigned char method; /* enum llhttp_method */
	size_t url_len;
	char url[URL_MAX]; /* for routes: the path, decoded */
	char *query;       /* what followed ?, or "" */
	unsigned char name_len, value_len;
	char name[8], value[16]; /* of the header that is being read, when they are this short */

	size_t used; /* of out */
	char out[OUT_SIZE];
	char in[IN_SIZE];
};

/* Takes fd over, in a coroutine of its own. 0, -ENOMEM: fd is still the caller's. */
int connection_start(int fd);

/* crc of what came before, and of data. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);

/* ---- answer.c: sends; answers of several requests are gathered while there is room ---- */

struct answer {
	int status;
	const char *type;  /* NULL: no Content-Type */
	const char *extra; /* more header lines, or NULL */
	long length;       /* of the body; -1: until the connection closes */
};

void answer_head(struct connection *c, const struct answer *a);
void answer_body(struct connection *c, const void *data, size_t size);
void answer_flush(struct connection *c);

/* A whole answer. */
void answer_text(struct connection *c, int status, const char *type, const char *extra,
		 const void *body, size_t size);

/* A status without more, with a line of text that says so. */
void answer_status(struct connection *c, int status, const char *extra);

/* ---- routes.c ---- */

void route(struct connection *c);

/* ---- files.c ---- */

void files_serve(struct connection *c, const char *path);

/* ---- events.c: what the machine does, as the page shows it ---- */

void events_serve(struct connection *c); /* for as long as the other side listens */
void stats_serve(struct connection *c);

/* ---- load.c: work, for the page to show ---- */

void load_serve(struct connection *c);

/* ---- page.c ---- */

extern const char page[];
extern const size_t page_size;

/* ---- text.c: text that grows; when there is no memory it stays as it is, and says so ---- */

struct text {
	char *data;
	size_t size, room;
	bool failed;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

#endif
