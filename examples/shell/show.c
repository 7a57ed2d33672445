/* Numbers for people to read, and to write. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

struct text show_number(uint64_t n)
{
	struct text text;
	char digits[24];
	int count = snprintf(digits, sizeof digits, "%" PRIu64, n);
	char *to = text.s;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

/* n / unit with three digits, or all before the point; exact ones without a fraction. */
static struct text show_scaled(uint64_t n, uint64_t unit, const char *name)
{
	struct text text;
	uint64_t whole = n / unit, hundredths = n % unit * 100 / unit;

	if (whole >= 100 || n % unit == 0)
		snprintf(text.s, sizeof text.s, "%" PRIu64 " %s", whole, name);
	else if (whole >= 10)
		snprintf(text.s, sizeof text.s, "%" PRIu64 ".%" PRIu64 " %s", whole,
			 hundredths / 10, name);
	else
		snprintf(text.s, sizeof text.s, "%" PRIu64 ".%02" PRIu64 " %s", whole, hundredths,
			 name);
	return text;
}

struct text show_bytes(uint64_t bytes)
{
	if (bytes >= UINT64_C(1) << 30)
		return show_scaled(bytes, 1 << 30, "GB");
	if (bytes >= 1 << 20)
		return show_scaled(bytes, 1 << 20, "MB");
	if (bytes >= 1 << 10)
		return show_scaled(bytes, 1 << 10, "KB");
	return show_scaled(bytes, 1, "B");
}

struct text show_time(uint64_t ns)
{
	if (ns >= NSEC_PER_SEC)
		return show_scaled(ns, NSEC_PER_SEC, "s");
	if (ns >= NSEC_PER_MSEC)
		return show_scaled(ns, NSEC_PER_MSEC, "ms");
	if (ns >= NSEC_PER_USEC)
		return show_scaled(ns, NSEC_PER_USEC, "us");
	return show_scaled(ns, 1, "ns");
}

struct text show_bar(uint64_t part, uint64_t whole, int width)
{
	struct text text;
	uint64_t filled = whole ? (part * width + whole / 2) / whole : 0;

	text.s[0] = '|';
	for (int i = 0; i < width; i++)
		text.s[1 + i] = (uint64_t)i < filled ? '#' : ' ';
	strcpy(&text.s[1 + width], "|");
	return text;
}

bool take_number(int argc, char **argv, uint64_t least, uint64_t most, uint64_t *n)
{
	char *end = NULL;
	unsigned long long value;

	if (argc == 1)
		return true;
	errno = 0;
	value = strtoull(argv[1], &end, 10);
	if (argc == 2 && isdigit((unsigned char)argv[1][0]) && *end == '\0' && errno == 0 &&
	    value >= least && value <= most) {
		*n = value;
		return true;
	}
	printf("%s: wants a number from %" PRIu64 " to %" PRIu64 "\n", argv[0], least, most);
	return false;
}
