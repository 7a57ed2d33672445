/*
 * Host, and the authority in an absolute target: 9110 7.2, with the grammar of RFC 3986. A comma,
 * which that allows, is refused: it is what two fields that somebody joined look like.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd.h"

static bool is_name_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("-._~!$&'()*+;=", c));
}

/* [...], n bytes with the brackets: an IPv6 address, or what a later RFC may add. */
static bool is_literal(const char *text, size_t n)
{
	char inside[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t i = 2;

	if (n < 4)
		return false;
	if ((text[1] | 0x20) == 'v') { /* v, hexadecimal digits, a dot, text */
		while (i < n && isxdigit((unsigned char)text[i]))
			i++;
		if (i == 2 || i + 2 >= n || text[i] != '.')
			return false;
		while (++i < n - 1)
			if (!is_name_char((unsigned char)text[i]) && text[i] != ':')
				return false;
		return true;
	}
	if (n - 2 >= sizeof inside)
		return false;
	memcpy(inside, text + 1, n - 2);
	inside[n - 2] = '\0';
	return !strchr(inside, '%') && inet_pton(AF_INET6, inside, &address) == 1;
}

/* How much of text is a name or an IPv4 address. */
static size_t name_length(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (is_name_char((unsigned char)text[i]))
			i++;
		else if (text[i] == '%' && n - i > 2 && isxdigit((unsigned char)text[i + 1]) &&
			 isxdigit((unsigned char)text[i + 2]))
			i += 3;
		else
			break;
	}
	return i;
}

bool host_is_valid(const char *text, size_t n)
{
	size_t len;

	if (n && *text == '[') {
		const char *end = memchr(text, ']', n);

		len = end ? (size_t)(end + 1 - text) : 0;
		if (!end || !is_literal(text, len))
			return false;
	} else {
		len = name_length(text, n);
	}
	if (len == n)
		return true;
	if (!len || text[len] != ':')
		return false;
	while (++len < n)
		if (!isdigit((unsigned char)text[len]))
			return false;
	return true;
}
