/* Addresses, and the links of a page. Not a parser of HTML: what follows href= or src= counts. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crawl.h"

static const char scheme[] = "http://";

bool parse_address(const char *address, struct site *site, char path[PATH_SIZE])
{
	size_t host, port = 0;

	if (strncasecmp(address, scheme, sizeof scheme - 1))
		return false;
	address += sizeof scheme - 1;
	host = strcspn(address, ":/?#");
	if (!host || host >= HOST_SIZE)
		return false;
	snprintf(site->host, HOST_SIZE, "%.*s", (int)host, address);
	address += host;
	strcpy(site->port, "80");
	if (*address == ':') {
		port = strspn(++address, "0123456789");
		if (!port || port >= sizeof site->port)
			return false;
		snprintf(site->port, sizeof site->port, "%.*s", (int)port, address);
		address += port;
	}
	if (*address && !strchr("/?#", *address))
		return false;
	return snprintf(path, PATH_SIZE, "%s%s", *address == '/' ? "" : "/", address) < PATH_SIZE;
}

/* Takes out "." and "..", and what the server is not told: #part. */
static void clean(char *path)
{
	char *to = path, *query;

	path[strcspn(path, "#")] = '\0';
	query = path + strcspn(path, "?");
	for (char *s = path; s < query;) {
		size_t n = 1 + strcspn(s + 1, "/?"); /* "/segment" */

		if (n == 2 && s[1] == '.') {
			if (s[n] != '/')
				*to++ = '/';
		} else if (n == 3 && s[1] == '.' && s[2] == '.') {
			while (to > path && *--to != '/')
				;
			if (s[n] != '/')
				*to++ = '/';
		} else {
			memmove(to, s, n);
			to += n;
		}
		s += n;
	}
	if (to == path)
		*to++ = '/';
	memmove(to, query, strlen(query) + 1);
}

bool resolve(const struct site *site, const char *base, const char *link, char path[PATH_SIZE])
{
	struct site other;
	size_t scheme_len = strcspn(link, ":/?#");
	int n;

	if (link[scheme_len] == ':') { /* also mailto: and the like */
		if (!parse_address(link, &other, path) || strcasecmp(other.host, site->host) ||
		    strcmp(other.port, site->port))
			return false;
		n = (int)strlen(path);
	} else if (link[0] == '/') {
		if (link[1] == '/')
			return false;
		n = snprintf(path, PATH_SIZE, "%s", link);
	} else {
		size_t folder = strcspn(base, "?");

		if (link[0] != '?' && link[0])
			while (base[folder - 1] != '/')
				folder--;
		n = snprintf(path, PATH_SIZE, "%.*s%s", (int)folder, base, link);
	}
	if (n < 0 || n >= PATH_SIZE)
		return false;
	clean(path);
	return true;
}

/* The value that begins at s, without its quotes, &amp; being &. False: too long. */
static bool value(const char *s, char *into, size_t room)
{
	const char *end = " \t\r\n>";
	size_t n = 0;

	if (*s == '"' || *s == '\'') {
		end = *s == '"' ? "\"" : "'";
		s++;
	}
	while (*s && !strchr(end, *s)) {
		if (n == room - 1)
			return false;
		into[n++] = *s;
		s += !strncmp(s, "&amp;", 5) ? 5 : 1;
	}
	into[n] = '\0';
	return true;
}

int each_link(const struct site *site, const char *base, const char *html,
	      void (*found)(const char *path))
{
	char link[PATH_SIZE], path[PATH_SIZE];
	int n = 0;

	for (const char *s = html; (s = strchr(s, '=')); s++) {
		size_t before = (size_t)(s - html);
		bool href = before > 4 && !strncasecmp(s - 4, "href", 4) &&
			    isspace((unsigned char)s[-5]);
		bool src = before > 3 && !strncasecmp(s - 3, "src", 3) &&
			   isspace((unsigned char)s[-4]);

		if ((href || src) && value(s + 1, link, sizeof link) &&
		    resolve(site, base, link, path)) {
			found(path);
			n++;
		}
	}
	return n;
}
