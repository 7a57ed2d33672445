/* Files, and folders: their index.html, or else a list of what is in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd.h"

enum { PATH_SIZE = URL_MAX + 256 };

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css"},
		{".js", "text/javascript"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".ico", "image/x-icon"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/plain; charset=utf-8"},
		{".c", "text/plain; charset=utf-8"},
		{".h", "text/plain; charset=utf-8"},
	};
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end && i < sizeof types / sizeof *types; i++)
		if (!strcmp(end, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* No segment of the path is "..", which could lead out of the folder. */
static bool stays_inside(const char *path)
{
	for (const char *s = path; *s; s += strcspn(s, "/")) {
		s += strspn(s, "/");
		if (!strncmp(s, "..", 2) && (s[2] == '/' || !s[2]))
			return false;
	}
	return true;
}

/* ---- Folders ---- */

static void add_quoted(struct text *t, const char *name, bool url)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (url && !strchr("-._~/", *p) && !(*p >= '0' && *p <= '9') &&
		    !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
			text_add(t, "%%%02X", *p);
		else if (strchr("<>&\"", *p))
			text_add(t, "&#%d;", *p);
		else
			text_add(t, "%c", *p);
	}
}

static void list(struct connection *c, const char *path, const char *shown)
{
	DIR *folder = opendir(path);
	struct text t = {0};
	struct dirent *entry;

	if (!folder) {
		answer_status(c, 404, NULL);
		return;
	}
	text_add(&t, "<!doctype html><html lang=en><meta charset=utf-8><title>");
	add_quoted(&t, shown, false);
	text_add(&t, "</title><style>:root{color-scheme:light dark}body{font:16px/1.7 system-ui,"
		     "sans-serif;max-width:40em;margin:3em auto;padding:0 1em}</style><h1>");
	add_quoted(&t, shown, false);
	text_add(&t, "</h1><ul>");
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		text_add(&t, "<li><a href=\"");
		add_quoted(&t, shown, true);
		add_quoted(&t, entry->d_name, true);
		text_add(&t, "\">");
		add_quoted(&t, entry->d_name, false);
		text_add(&t, "</a>\n");
	}
	closedir(folder);
	text_add(&t, "</ul></html>\n");
	if (t.failed)
		answer_status(c, 503, NULL);
	else
		answer_text(c, 200, "text/html; charset=utf-8", NULL, t.data, t.size);
	text_free(&t);
}

/* ---- Files ---- */

/* By way of out, which is then as full as can be. */
static void send_file(struct connection *c, int file, const char *path, long size)
{
	ssize_t n;

	answer_head(c, &(struct answer){200, type_of(path), NULL, size});
	while (c->method != HTTP_HEAD && size && !c->broken) {
		if (c->used == OUT_SIZE)
			answer_flush(c);
		n = read(file, c->out + c->used, OUT_SIZE - c->used);
		if (n <= 0) { /* shorter than it was: the length has been promised */
			c->broken = true;
			break;
		}
		if (n > size)
			n = size;
		c->used += (size_t)n;
		size -= n;
	}
}

/* The path without its '/' at the end has moved there. */
static void redirect(struct connection *c, const char *path)
{
	struct text t = {0};

	text_add(&t, "Location: ");
	add_quoted(&t, path, true);
	text_add(&t, "/\r\n");
	answer_status(c, t.failed ? 503 : 301, t.failed ? NULL : t.data);
	text_free(&t);
}

static void serve_at(struct connection *c, char *full, size_t used, const char *path)
{
	struct stat st;
	int file;

	if (stat(full, &st)) {
		answer_status(c, 404, NULL);
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		if (path[strlen(path) - 1] != '/') {
			redirect(c, path);
			return;
		}
		strcpy(full + used, "index.html");
		if (stat(full, &st) || !S_ISREG(st.st_mode)) {
			full[used] = '\0';
			list(c, full, path);
			return;
		}
	}
	file = S_ISREG(st.st_mode) ? open(full, O_RDONLY) : -1;
	if (file < 0) {
		answer_status(c, 404, NULL);
		return;
	}
	send_file(c, file, full, (long)st.st_size);
	close(file);
}

void files_serve(struct connection *c, const char *path)
{
	char full[PATH_SIZE];
	size_t folder = strlen(config.files), len = strlen(path);

	if (!stays_inside(path) || folder + len + sizeof "index.html" > sizeof full) {
		answer_status(c, 404, NULL);
		return;
	}
	memcpy(full, config.files, folder);
	memcpy(full + folder, path, len + 1);
	serve_at(c, full, folder + len, path);
}
