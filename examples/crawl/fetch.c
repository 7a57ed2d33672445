/* One page over HTTP/1.0: the answer ends where the connection does. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "crawl.h"

enum { SECONDS = 10, FIRST_ROOM = 4096, MOST = 4 * 1024 * 1024 };

/* A connection, or a negative errno value. */
static int dial(const struct site *site)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
	struct timeval limit = {.tv_sec = SECONDS};
	int fd, error = 0;

	if (getaddrinfo(site->host, site->port, &hints, &list))
		return -EHOSTUNREACH;
	fd = socket(list->ai_family, list->ai_socktype, 0);
	if (fd < 0)
		error = -errno;
	else if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ||
		 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ||
		 connect(fd, list->ai_addr, list->ai_addrlen))
		error = -errno;
	freeaddrinfo(list);
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

static int ask(int fd, const struct site *site, const char *path)
{
	char request[HOST_SIZE + PATH_SIZE + 64];
	int n = snprintf(request, sizeof request,
			 "GET %s HTTP/1.0\r\nHost: %s:%s\r\nUser-Agent: vole-crawl\r\n\r\n", path,
			 site->host, site->port);

	return write(fd, request, (size_t)n) == n ? 0 : -errno;
}

/* To the end of the connection; text ends with a 0. */
static int receive(int fd, struct page *page)
{
	size_t room = 0;

	for (;;) {
		if (page->size + 1 >= room) {
			char *text = realloc(page->text, room = room ? 2 * room : FIRST_ROOM);

			if (!text || room > MOST)
				return text ? (page->text = text, -EFBIG) : -ENOMEM;
			page->text = text;
		}

		ssize_t n = read(fd, page->text + page->size, room - 1 - page->size);

		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
		page->size += (size_t)n;
		page->text[page->size] = '\0';
		if (n == 0)
			return 0;
	}
}

/* The value of a header, "" when there is none. */
static void header(const char *head, const char *name, char *value, size_t room)
{
	size_t len = strlen(name);

	*value = '\0';
	for (const char *s = strchr(head, '\n'); s; s = strchr(s, '\n')) {
		s++;
		if (strncasecmp(s, name, len) || s[len] != ':')
			continue;
		s += len + 1;
		s += strspn(s, " \t");
		snprintf(value, room, "%.*s", (int)strcspn(s, "\r\n"), s);
		return;
	}
}

static int understand(struct page *page)
{
	char *end = page->text ? strstr(page->text, "\r\n\r\n") : NULL;
	char value[64];

	if (!end || sscanf(page->text, "HTTP/1.%*d %d", &page->status) != 1)
		return -EPROTO;
	*end = '\0';
	page->body = end + 4;
	header(page->text, "Content-Length", value, sizeof value);
	if (*value && strtoul(value, NULL, 10) != page->size - (size_t)(page->body - page->text))
		return -EPROTO; /* not all of it has come */
	header(page->text, "Content-Type", value, sizeof value);
	page->html = !strncasecmp(value, "text/html", 9);
	header(page->text, "Location", page->location, sizeof page->location);
	return 0;
}

void fetch(const struct site *site, const char *path, struct page *page)
{
	int fd = dial(site), error = fd < 0 ? fd : 0;

	*page = (struct page){.body = ""};
	if (!error)
		error = ask(fd, site, path);
	if (!error)
		error = receive(fd, page);
	if (!error)
		error = understand(page);
	if (fd >= 0)
		close(fd);
	if (error)
		page->status = 0;
	page->error = -error;
}

void fetch_free(struct page *page)
{
	free(page->text);
}
