/* <arpa/inet.h>: addresses as text. IPv6 is written as RFC 5952 wants it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "debug/print.h"

/* ---- IPv4 ----------------------------------------------------------------------------------- */

/* A decimal number of one to three digits, at most 255, without leading zeros, which others take
 * for octal; what is behind it, or NULL. */
static const char *byte_of(const char *text, uint8_t *byte)
{
	unsigned n = 0, digits = 0;
	bool zero = *text == '0';

	while (*text >= '0' && *text <= '9' && digits < 3) {
		n = n * 10 + (unsigned)(*text++ - '0');
		digits++;
	}
	*byte = (uint8_t)n;
	return digits > 0 && n <= 255 && !(zero && digits > 1) ? text : NULL;
}

static bool read4(const char *text, uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0 && *text++ != '.')
			return false;
		text = byte_of(text, &bytes[i]);
		if (!text)
			return false;
	}
	return *text == '\0';
}

/* One to four numbers, decimal, octal or hexadecimal; the last fills all bytes that are left. */
int inet_aton(const char *text, struct in_addr *address)
{
	uint32_t sum = 0;

	for (int i = 0; i < 4; i++) {
		char *end;
		unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 0) : ~0ul;

		if (n > UINT32_MAX)
			return 0;
		if (*end == '\0') {
			if (i > 0 && n >> (8 * (4 - i)))
				return 0;
			address->s_addr = htonl(sum | (uint32_t)n);
			return 1;
		}
		if (*end != '.' || n > 255)
			return 0;
		sum |= (uint32_t)n << (24 - 8 * i);
		text = end + 1;
	}
	return 0;
}

in_addr_t inet_addr(const char *text)
{
	struct in_addr address;

	return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

static void write4(const uint8_t *bytes, char *text, size_t size)
{
	format(text, size, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

char *inet_ntoa(struct in_addr address)
{
	static char text[INET_ADDRSTRLEN];

	write4((const uint8_t *)&address, text, sizeof(text));
	return text;
}

/* ---- IPv6 ----------------------------------------------------------------------------------- */

enum { WORDS = 8 };

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hexadecimal digits; what is behind them, or NULL. */
static const char *hex_word_of(const char *text, uint8_t word[2])
{
	unsigned n = 0, digits = 0;

	for (; digits < 4 && digit_of(*text) >= 0; digits++)
		n = n * 16 + (unsigned)digit_of(*text++);
	word[0] = (uint8_t)(n >> 8);
	word[1] = (uint8_t)n;
	return digits > 0 ? text : NULL;
}

/* Moves what is behind the gap to the end. */
static void open_gap(uint8_t bytes[16], int gap, int words)
{
	int behind = words - gap;

	memmove(bytes + 2 * (WORDS - behind), bytes + 2 * gap, (size_t)behind * 2);
	memset(bytes + 2 * gap, 0, (size_t)(WORDS - words) * 2);
}

static bool read6(const char *text, uint8_t bytes[16])
{
	int words = 0, gap = -1;

	if (text[0] == ':' && text[1] == ':') {
		gap = 0;
		text += 2;
	}
	while (*text != '\0' && words < WORDS) {
		const char *end = hex_word_of(text, &bytes[2 * words]);

		if (end && *end == '.' && words <= WORDS - 2 && read4(text, &bytes[2 * words])) {
			words += 2;
			text = "";
			break;
		}
		if (!end)
			return false;
		words++;
		text = end;
		if (*text == '\0')
			break;
		if (*text++ != ':' || (*text == '\0'))
			return false;
		if (*text == ':') {
			if (gap >= 0)
				return false;
			gap = words;
			text++;
		}
	}
	if (*text != '\0' || (gap < 0 ? words < WORDS : words == WORDS))
		return false;
	if (gap >= 0)
		open_gap(bytes, gap, words);
	return true;
}

static unsigned word_at(const uint8_t *bytes, int i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of two or more zero words: its start, and its length. */
static int longest_zeros(const uint8_t *bytes, int *length)
{
	int best = -1;

	*length = 1;
	for (int i = 0, run = 0; i < WORDS; i++) {
		run = word_at(bytes, i) ? 0 : run + 1;
		if (run > *length) {
			*length = run;
			best = i + 1 - run;
		}
	}
	return best;
}

static void write6(const uint8_t *bytes, char *text, size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	int length, gap = longest_zeros(bytes, &length), at = 0;

	if (!memcmp(bytes, mapped, sizeof(mapped))) {
		at = format(text, size, "::ffff:");
		write4(bytes + 12, text + at, size - (size_t)at);
		return;
	}
	for (int i = 0; i < WORDS; i++) {
		if (i == gap) {
			at += format(text + at, size - (size_t)at, "::");
			i += length - 1;
			continue;
		}
		at += format(text + at, size - (size_t)at, "%s%x",
			     i > 0 && i != gap + length ? ":" : "", word_at(bytes, i));
	}
}

/* ---- Both ----------------------------------------------------------------------------------- */

int inet_pton(int family, const char *restrict text, void *restrict address)
{
	uint8_t bytes[16];

	switch (family) {
	case AF_INET:
		if (!read4(text, bytes))
			return 0;
		memcpy(address, bytes, 4);
		return 1;
	case AF_INET6:
		if (!read6(text, bytes))
			return 0;
		memcpy(address, bytes, 16);
		return 1;
	default:
		errno = EAFNOSUPPORT;
		return -1;
	}
}

const char *inet_ntop(int family, const void *restrict address, char *restrict text, socklen_t size)
{
	char whole[INET6_ADDRSTRLEN];

	if (family != AF_INET && family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return NULL;
	}
	(family == AF_INET ? write4 : write6)(address, whole, sizeof(whole));
	if (strlen(whole) >= size) {
		errno = ENOSPC;
		return NULL;
	}
	return strcpy(text, whole);
}
