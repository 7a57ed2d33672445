/* Which path is answered by what. Everything that is not here is a file. */
#include <string.h>

#include "httpd.h"

uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
	static const uint32_t of[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (const unsigned char *p = data, *end = p + size; p < end; p++) {
		crc = crc >> 4 ^ of[(crc ^ *p) & 15];
		crc = crc >> 4 ^ of[(crc ^ *p >> 4) & 15];
	}
	return ~crc;
}

/* What never changes while the server runs. */
static void serve_fixed(struct connection *c, const char *type, const char *data, size_t size)
{
	struct resource r = {.size = (long)size, .modified = DATE_NONE};
	long first, last;

	resource_tag(&r, crc32(0, data, size), size);
	if (answer_resource(c, type, &r, &first, &last))
		answer_body(c, data + first, (size_t)(last - first + 1));
}

static void serve_page(struct connection *c)
{
	serve_fixed(c, "text/html; charset=utf-8", page, page_size);
}

static void serve_debug_page(struct connection *c)
{
	serve_fixed(c, "text/html; charset=utf-8", debug_page, debug_page_size);
}

static void serve_hello(struct connection *c)
{
	static const char hello[] = "Hello from Vole!\n";

	serve_fixed(c, "text/plain", hello, sizeof hello - 1);
}

/* What the body was: how clients see that all of it has come. */
static void serve_digest(struct connection *c)
{
	struct text t = {0};

	text_add(&t, "%zu bytes, crc32 %08lx\n", c->body, (unsigned long)c->crc);
	answer_made(c, "text/plain", NULL, &t);
}

static void serve_list(struct connection *c)
{
	files_serve(c, "/");
}

static const struct {
	const char *path;
	void (*serve)(struct connection *c);
	bool posts; /* POST, or else GET and HEAD */
} routes[] = {
	{"/", serve_page, false},
	{"/hello", serve_hello, false},
	{"/stats", stats_serve, false},
	{"/events", events_serve, false},
	{"/files", serve_list, false},
	{"/digest", serve_digest, true},
	{"/load", load_serve, true},
	{"/debug", serve_debug_page, false},
	{"/debug.json", debug_serve, false},
};

static void serve_file(struct connection *c)
{
	files_serve(c, c->url);
}

static bool method_fits(const struct connection *c, bool posts)
{
	if (posts)
		return c->method == HTTP_POST;
	return c->method == HTTP_GET || c->method == HTTP_HEAD;
}

/* What can be asked for at a path, or of the whole server: no more than this is told. */
static void serve_options(struct connection *c, const char *methods)
{
	answer_text(c, 200, NULL, methods, NULL, 0);
}

void route(struct connection *c)
{
	static const char all[] = "Allow: GET, HEAD, POST, OPTIONS\r\n";
	static const char reads[] = "Allow: GET, HEAD, OPTIONS\r\n";
	static const char writes[] = "Allow: POST, OPTIONS\r\n";
	void (*serve)(struct connection * c) = serve_file;
	bool posts = false;

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (!strcmp(c->url, routes[i].path)) {
			serve = routes[i].serve;
			posts = routes[i].posts;
			break;
		}
	if (c->method == HTTP_OPTIONS)
		serve_options(c, *c->url == '*' ? all : posts ? writes : reads);
	else if (method_fits(c, posts))
		serve(c);
	else
		answer_status(c, 405, posts ? writes : reads);
}
