/* crawl: walks the links of a site, a bounded number of pages at a time. */
#ifndef CRAWL_H
#define CRAWL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vole.h>

enum { HOST_SIZE = 128, PATH_SIZE = 512 };

/* ---- fetch.c ---- */

struct site {
	char host[HOST_SIZE], port[8];
};

struct page {
	int status; /* 0: there was no answer; why is in error */
	int error;  /* an errno value */
	bool html;
	char *text; /* all that was received; NULL: nothing */
	size_t size;
	const char *body;         /* in text */
	char location[PATH_SIZE]; /* of a redirection, or "" */
};

/* Gets path of site. The page is to be freed by fetch_free. */
void fetch(const struct site *site, const char *path, struct page *page);
void fetch_free(struct page *page);

/* ---- links.c ---- */

/* Takes http://host[:port]/path apart. False: it is no such address. */
bool parse_address(const char *address, struct site *site, char path[PATH_SIZE]);

/* What link, on the page at base, stands for, if it is of this site. */
bool resolve(const struct site *site, const char *base, const char *link, char path[PATH_SIZE]);

/* Calls found with every link of an HTML text that leads to this site; how many those are. */
int each_link(const struct site *site, const char *base, const char *html,
	      void (*found)(const char *path));

#endif
