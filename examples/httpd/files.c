/* Files, and folders: their index.html, or else a list of what is in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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
		if (!strcasecmp(end, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* No segment of the path begins with a dot: such files are hidden, and ".." could lead out of the
 * folder. */
static bool is_hidden(const char *path)
{
	for (; *path; path += strcspn(path, "/")) {
		path += strspn(path, "/");
		if (*path == '.')
			return true;
	}
	return false;
}

/* ---- The folder ---- */

#ifdef FILES_OF_HOST

int files_init(void)
{
	const char *only = getenv("FILES"); /* there are no other files than those in it */

	if (!config.files && only && *only)
		config.files = "/";
	if (!config.files)
		return 0;
	config.files = realpath(config.files, NULL);
	return config.files ? 0 : -1;
}

/* Makes the real path of what is at full: false if there is nothing, or a link that leads out of the
 * folder. */
static bool find(char full[PATH_SIZE])
{
	size_t n = strlen(config.files);
	char *real = realpath(full, NULL);
	bool inside;

	if (n == 1) /* "/" */
		n = 0;
	inside = real && !strncmp(real, config.files, n) && (!real[n] || real[n] == '/') &&
		 !is_hidden(real + n) && strlen(real) < PATH_SIZE - sizeof "/index.html";
	if (inside)
		strcpy(full, real);
	free(real);
	return inside;
}

#else

/* On a machine there is nothing but what FILES= has packed, without links. */
int files_init(void)
{
	if (!config.files)
		config.files = "";
	return 0;
}

static bool find(char full[PATH_SIZE])
{
	(void)full;
	return true;
}

#endif

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
	answer_made(c, "text/html; charset=utf-8", NULL, &t);
}

/* ---- Files ---- */

/* By way of out, which is then as full as can be. */
static void send_file(struct connection *c, int file, long size)
{
	ssize_t n;

	while (c->method != HTTP_HEAD && size && !c->broken) {
		size_t room = OUT_SIZE - c->used;

		if (!room) {
			answer_flush(c);
			continue;
		}
		n = read(file, c->out + c->used, (long)room < size ? room : (size_t)size);
		if (n <= 0) { /* shorter than it was: the length has been promised */
			c->broken = true;
			break;
		}
		c->used += (size_t)n;
		size -= n;
	}
}

static void serve_open(struct connection *c, int file, const char *path)
{
	struct resource r;
	struct stat st;
	long first, last;

	if (fstat(file, &st) || !S_ISREG(st.st_mode)) {
		answer_status(c, 404, NULL);
		return;
	}
	r.size = (long)st.st_size;
	r.modified = (int64_t)st.st_mtim.tv_sec;
	resource_tag(&r, (uint64_t)r.size,
		     (uint64_t)st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec);
	if (!answer_resource(c, type_of(path), &r, &first, &last))
		return;
	if (first && lseek(file, first, SEEK_SET) != first)
		c->broken = true;
	send_file(c, file, last - first + 1);
}

/* The path without its '/' at the end has moved there; never to another host, which "//" would name. */
static void redirect(struct connection *c, const char *path)
{
	struct text t = {0};

	text_add(&t, "Location: ");
	add_quoted(&t, path, true);
	text_add(&t, "/%s%s\r\n", *c->query ? "?" : "", c->query);
	answer_status(c, t.failed ? 503 : 301, t.failed ? NULL : t.data);
	text_free(&t);
}

static bool is_file(const char *full)
{
	struct stat st;

	return !stat(full, &st) && S_ISREG(st.st_mode);
}

static void serve_file_at(struct connection *c, const char *full)
{
	int file = open(full, O_RDONLY);

	if (file < 0) {
		answer_status(c, 404, NULL);
		return;
	}
	serve_open(c, file, full);
	close(file);
}

static void serve_folder(struct connection *c, char full[PATH_SIZE], const char *path)
{
	size_t len = strlen(full);

	if (path[strlen(path) - 1] != '/') {
		redirect(c, path);
		return;
	}
	strcpy(full + len, "/index.html");
	if (!find(full) || !is_file(full)) {
		full[len] = '\0';
		list(c, len ? full : "/", path);
		return;
	}
	serve_file_at(c, full);
}

static void serve_at(struct connection *c, char full[PATH_SIZE], const char *path)
{
	struct stat st;

	if (!find(full) || stat(*full ? full : "/", &st)) {
		answer_status(c, 404, NULL);
		return;
	}
	if (S_ISDIR(st.st_mode))
		serve_folder(c, full, path);
	else if (S_ISREG(st.st_mode)) /* nothing that opening would wait for */
		serve_file_at(c, full);
	else
		answer_status(c, 404, NULL);
}

void files_serve(struct connection *c, const char *path)
{
	char full[PATH_SIZE];
	size_t folder = config.files ? strlen(config.files) : 0, len;

	path += strspn(path, "/");
	path--;
	len = strlen(path);
	if (!config.files || is_hidden(path) || folder + len + sizeof "/index.html" > sizeof full) {
		answer_status(c, 404, NULL);
		return;
	}
	memcpy(full, config.files, folder);
	memcpy(full + folder, path, len + 1);
	serve_at(c, full, path);
}
