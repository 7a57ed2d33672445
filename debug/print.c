/*
 * print, format. A call is written with the console held; not in a panic: its holder may have been
 * stopped.
 */
#include "debug/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/irq.h"
#include "kernel/outside.h"

enum log_level log_level = LOG_WARN;

struct out {
	char *buf; /* NULL: to the console */
	size_t size, len;
};

static void put(struct out *out, char c)
{
	if (!out->buf)
		arch_early_putc(c);
	else if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_padded(struct out *out, const char *s, size_t len, int width, bool left, char pad)
{
	for (int i = (int)len; !left && i < width; i++)
		put(out, pad);
	for (size_t i = 0; i < len; i++)
		put(out, s[i]);
	for (int i = (int)len; left && i < width; i++)
		put(out, ' ');
}

static void put_number(struct out *out, uint64_t value, bool negative, unsigned base, int width,
		       bool left, char pad)
{
	char digits[24];
	size_t at = sizeof(digits);

	do
		digits[--at] = "0123456789abcdef"[value % base];
	while (value /= base);
	if (negative && pad == '0') {
		put(out, '-');
		width--;
	} else if (negative) {
		digits[--at] = '-';
	}
	put_padded(out, digits + at, sizeof(digits) - at, width, left, pad);
}

static size_t bounded_len(const char *s, int precision)
{
	size_t n = 0;

	while ((precision < 0 || n < (size_t)precision) && s[n])
		n++;
	return n;
}

static void put_format(struct out *out, const char *fmt, va_list args)
{
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(out, *fmt);
			continue;
		}

		bool left = false, is_long = false, is_signed = false;
		char pad = ' ';
		int width = 0, precision = -1;

		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			left |= *fmt == '-';
			if (*fmt == '0')
				pad = '0';
		}
		if (*fmt == '*') {
			width = va_arg(args, int);
			fmt++;
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		if (fmt[0] == '.' && fmt[1] == '*') {
			precision = va_arg(args, int);
			fmt += 2;
		}
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			is_long = true;

		switch (*fmt) {
		case 'd':
		case 'i':
			is_signed = true;
			/* fallthrough */
		case 'u':
		case 'x': {
			uint64_t value = is_long     ? va_arg(args, uint64_t)
					 : is_signed ? (uint64_t)va_arg(args, int)
						     : va_arg(args, unsigned);
			bool negative = is_signed && (int64_t)value < 0;

			put_number(out, negative ? -value : value, negative, *fmt == 'x' ? 16 : 10,
				   width, left, pad);
			break;
		}
		case 'p':
			put(out, '0');
			put(out, 'x');
			put_number(out, (uintptr_t)va_arg(args, void *), false, 16, width, left,
				   pad);
			break;
		case 's': {
			const char *s = va_arg(args, const char *);

			if (!s)
				s = "(null)";
			put_padded(out, s, bounded_len(s, precision), width, left, ' ');
			break;
		}
		case 'c': {
			char c = (char)va_arg(args, int);

			put_padded(out, &c, 1, width, left, ' ');
			break;
		}
		case '\0':
			return;
		default:
			put(out, *fmt);
		}
	}
}

int vformat(char *buf, size_t size, const char *fmt, va_list args)
{
	char none;
	struct out out = {.buf = size ? buf : &none, .size = size};

	put_format(&out, fmt, args);
	if (size)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return (int)out.len;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int len = vformat(buf, size, fmt, args);
	va_end(args);
	return len;
}

void vprint(const char *fmt, va_list args)
{
	struct out out = {.buf = NULL};
	struct co *self = core_count() ? arch_current() : NULL;
	bool held;

	if (shared_get(panicking) || !self) { /* there is nobody else */
		put_format(&out, fmt, args);
		return;
	}
	self->nopreempt++;
	held = console_hold();
	put_format(&out, fmt, args);
	console_release(held);
	preempt_enable_anywhere(self);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
}
