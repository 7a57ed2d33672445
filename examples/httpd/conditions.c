/* Conditional requests (9110 13) and ranges (9110 14). */
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "httpd.h"

/* ---- Tags ---- */

static char *add_hex(char *to, uint64_t n)
{
	int shift = 60;

	while (shift && !(n >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[n >> shift & 15];
	return to;
}

void resource_tag(struct resource *r, uint64_t a, uint64_t b)
{
	char *to = r->etag;

	*to++ = '"';
	to = add_hex(to, a);
	*to++ = '-';
	to = add_hex(to, b);
	*to++ = '"';
	*to = '\0';
}

/* Whether a list of tags has this one, or is "*". Strong: W/"..." is never the same. */
static bool has_tag(const char *list, const char *etag, bool strong)
{
	size_t len = strlen(etag);

	if (!strcmp(list, "*"))
		return true;
	while (*list) {
		bool weak = !strncmp(list, "W/", 2);
		const char *tag = list + 2 * weak, *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;

		if (end && (size_t)(end + 1 - tag) == len && !memcmp(tag, etag, len) &&
		    !(weak && strong))
			return true;
		list = end ? end + 1 : list;
		list += strcspn(list, ",");
		list += strspn(list, ", \t");
	}
	return false;
}

/* ---- Conditions, in the order of 9110 13.2.2 ---- */

static int64_t date_of(const struct connection *c, enum field field)
{
	const char *value = request_field(c, field);

	return value ? date_parse(value) : DATE_NONE;
}

int conditions_check(const struct connection *c, const struct resource *r)
{
	const char *match = request_field(c, FIELD_IF_MATCH);
	const char *none_match = request_field(c, FIELD_IF_NONE_MATCH);
	bool dated = r->modified != DATE_NONE;

	if (match) {
		if (!has_tag(match, r->etag, true))
			return 412;
	} else {
		int64_t date = date_of(c, FIELD_IF_UNMODIFIED_SINCE);

		if (dated && date != DATE_NONE && r->modified > date)
			return 412;
	}
	if (none_match) {
		if (has_tag(none_match, r->etag, false))
			return 304;
	} else {
		int64_t date = date_of(c, FIELD_IF_MODIFIED_SINCE);

		if (dated && date != DATE_NONE && r->modified <= date)
			return 304;
	}
	return 0;
}

/* ---- Ranges ---- */

/* A number of any length, those too large as the largest. NULL: there is none; else what follows. */
static const char *read_number(const char *s, long *n)
{
	if (!isdigit((unsigned char)*s))
		return NULL;
	for (*n = 0; isdigit((unsigned char)*s); s++)
		*n = *n > (LONG_MAX - 9) / 10 ? LONG_MAX : *n * 10 + *s - '0';
	return s;
}

/* Whether the part is wanted only of what the client has, and that is not what there is. */
static bool range_is_off(const struct connection *c, const struct resource *r)
{
	const char *only_if = request_field(c, FIELD_IF_RANGE);
	int64_t now = date_now();

	if (!only_if)
		return false;
	if (*only_if == '"' || !strncmp(only_if, "W/", 2))
		return strcmp(only_if, r->etag) != 0;
	/* A date says which version it is only when that did not change in the same second. */
	return r->modified == DATE_NONE || date_parse(only_if) != r->modified ||
	       (now != DATE_NONE && r->modified >= now);
}

int conditions_range(const struct connection *c, const struct resource *r, long *first, long *last)
{
	const char *s = request_field(c, FIELD_RANGE);

	*first = 0;
	*last = r->size - 1;
	if (!s || c->method != HTTP_GET || range_is_off(c, r) || strncasecmp(s, "bytes=", 6))
		return 200;
	s += 6 + strspn(s + 6, ", \t");
	if (*s == '-') {
		long n;

		s = read_number(s + 1, &n);
		if (!s || s[strspn(s, ", \t")]) /* that is none, or several: all of it will do */
			return 200;
		if (!n)
			return 416;
		*first = n < r->size ? r->size - n : 0;
		return r->size ? 206 : 200;
	}

	long from, to = LONG_MAX;

	s = read_number(s, &from);
	if (!s || *s++ != '-')
		return 200;
	if (isdigit((unsigned char)*s))
		s = read_number(s, &to);
	if (s[strspn(s, ", \t")] || to < from)
		return 200;
	if (from >= r->size)
		return 416;
	*first = from;
	if (to < r->size)
		*last = to;
	return 206;
}
