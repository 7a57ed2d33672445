/*
 * A chat room over TCP. The room is a coroutine that owns the list of members and hears of
 * everything by one channel, so what is said has one order, and there is no lock. Each member has a
 * channel of its own, which a coroutine empties to its socket: who does not take what the others
 * say is dropped when that channel stays full for a moment, and holds up nobody any more.
 *
 *   make run APP=examples/chat.c NET=7000:7000      then, a few times: nc 127.0.0.1 7000
 */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vole.h>

enum { NAME_MAX_LEN = 20, LINE_MAX_LEN = 400, BACKLOG = 256, NAME_SECONDS = 60 };
/* For a writer that has just not had its turn yet. */
#define MOMENT (100 * NSEC_PER_MSEC)

/* Something said; the last who has sent it frees it. */
struct line {
	_Atomic int users;
	size_t size;
	char text[NAME_MAX_LEN + LINE_MAX_LEN + 32];
};

struct member {
	int fd;
	char name[NAME_MAX_LEN + 1];
	struct chan *lines; /* struct line *: to be sent */
	struct waitgroup writer;
	/* The room's. */
	bool here;
	struct member *next;
};

enum what { JOIN, SAY, LEAVE };

struct news {
	enum what what;
	struct member *member;
	struct line *line;    /* SAY */
	struct chan *welcome; /* JOIN: the answer, a bool: the name was free */
};

static struct chan *news;

/* ---- Lines ---- */

static struct line *make_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static struct line *make_line(const char *fmt, ...)
{
	struct line *line = malloc(sizeof *line);
	va_list args;

	if (!line)
		return NULL;
	line->users = 1;
	va_start(args, fmt);
	line->size = (size_t)vsnprintf(line->text, sizeof line->text, fmt, args);
	va_end(args);
	return line;
}

static void drop_line(struct line *line)
{
	if (line && --line->users == 0)
		free(line);
}

/* ---- The room ---- */

static struct member *members; /* the room's, as its functions */

static void remove_member(struct member *m)
{
	struct member **link = &members;

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	m->here = false;
	chan_close(m->lines);
}

/* To all, but for those who cannot take it. */
static void tell(struct line *line)
{
	struct member *slow = NULL, *next;

	for (struct member *m = members; line && m; m = next) {
		next = m->next;
		line->users++;
		if (!chan_send_until(m->lines, &line, time_now() + MOMENT))
			continue;
		drop_line(line);
		remove_member(m);
		m->next = slow;
		slow = m;
	}
	drop_line(line);
	for (; slow; slow = next) {
		next = slow->next;
		tell(make_line("* %s was too slow\n", slow->name));
		shutdown(slow->fd, SHUT_RDWR); /* its reader ends, and tells the room */
	}
}

static bool name_is_free(const char *name)
{
	for (struct member *m = members; m; m = m->next)
		if (!strcmp(m->name, name))
			return false;
	return true;
}

static void join(const struct news *n)
{
	bool welcome = name_is_free(n->member->name);

	if (welcome) {
		n->member->here = true;
		n->member->next = members;
		members = n->member;
	}
	chan_send(n->welcome, &welcome);
	if (welcome)
		tell(make_line("* %s is here\n", n->member->name));
}

static void room(void *unused)
{
	struct news n;

	(void)unused;
	while (!chan_recv(news, &n)) {
		switch (n.what) {
		case JOIN:
			join(&n);
			break;
		case SAY:
			if (n.member->here)
				tell(n.line);
			else
				drop_line(n.line);
			break;
		case LEAVE:
			if (n.member->here) {
				remove_member(n.member);
				tell(make_line("* %s has left\n", n.member->name));
			}
			chan_send(n.welcome, &(bool){true});
			break;
		}
	}
}

/* ---- A member ---- */

static void writer(void *arg)
{
	struct member *m = arg;
	struct line *line;
	bool listens = true;

	while (!chan_recv(m->lines, &line)) {
		listens = listens && write(m->fd, line->text, line->size) == (ssize_t)line->size;
		drop_line(line);
	}
}

struct reader {
	int fd;
	size_t size, taken;
	char buf[512];
};

/* One line, without its end; what is too long for it is left out, what moves a cursor is not for
 * others to see. False: there are no more. */
static bool read_line(struct reader *r, char *line, size_t room_for)
{
	size_t n = 0;

	for (;;) {
		if (r->taken == r->size) {
			ssize_t got = read(r->fd, r->buf, sizeof r->buf);

			if (got <= 0)
				return false;
			r->size = (size_t)got;
			r->taken = 0;
		}

		char c = r->buf[r->taken++];

		if (c == '\n')
			break;
		if (c != '\r' && n < room_for - 1)
			line[n++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
	}
	line[n] = '\0';
	return true;
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return; /* gone: the next read says so */
}

/* Until the room has taken the member in. */
static bool introduce(struct member *m, struct reader *r, struct chan *answer)
{
	struct timeval limit = {.tv_sec = NAME_SECONDS}, none = {0};
	struct news n = {.what = JOIN, .member = m, .welcome = answer};
	bool welcome = false;

	setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	while (!welcome) {
		put(m->fd, "Your name? ");
		if (!read_line(r, m->name, sizeof m->name))
			return false;
		if (!m->name[0])
			continue;
		chan_send(news, &n);
		chan_recv(answer, &welcome);
		if (!welcome)
			put(m->fd, "That name is taken.\n");
	}
	setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
	return true;
}

static void talk(struct member *m, struct chan *answer)
{
	struct reader r = {.fd = m->fd};
	char text[LINE_MAX_LEN];

	if (!introduce(m, &r, answer))
		return;
	while (read_line(&r, text, sizeof text)) {
		struct news n = {.what = SAY,
				 .member = m,
				 .line = make_line("%s: %s\n", m->name, text)};

		if (*text && n.line)
			chan_send(news, &n);
		else
			drop_line(n.line);
	}
	chan_send(news, (&(struct news){.what = LEAVE, .member = m, .welcome = answer}));
	chan_recv(answer, &(bool){false}); /* the room knows it no more */
}

static void serve(void *arg)
{
	struct member m = {.fd = *(int *)arg, .lines = chan_of(struct line *, BACKLOG)};
	struct chan *answer = chan_of(bool, 1);
	int on = 1;

	setsockopt(m.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (m.lines && answer && !waitgroup_go(&m.writer, writer, &m)) {
		talk(&m, answer);
		chan_close(m.lines);
		shutdown(m.fd, SHUT_RDWR); /* ends a write that nobody takes */
		waitgroup_wait(&m.writer);
	}
	chan_free(m.lines);
	chan_free(answer);
	close(m.fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "7000"))};
	int on = 1, server = socket(AF_INET, SOCK_STREAM, 0), client;

	news = chan_of(struct news, 0);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!news || go(room, NULL) || server < 0 ||
	    bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 128)) {
		perror("chat");
		return 1;
	}
	printf("chat: port %d\n", ntohs(here.sin_port));
	fflush(stdout);
	for (;;) {
		client = accept(server, NULL, NULL);
		if (client < 0)
			time_sleep(NSEC_PER_SEC / 10); /* too many: some will end */
		else if (go_copy(serve, &client, sizeof client))
			close(client);
	}
}
